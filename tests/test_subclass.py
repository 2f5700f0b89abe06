"""Subclasses: their arguments and attributes, overrides and mixins, and specialized methods."""

import abc
import dataclasses
import threading
import types
import typing
import weakref
from collections.abc import Mapping
from unittest import mock

import pytest

import fastcounter
from fastcounter import (
    CounterMap,
    FastReadCounter,
    FastWriteCounter,
    SharedCounter,
    SharedCounterMap,
    SingleThreadCounter,
)
from helpers import COMPAT, COMPILED, instance_of, name_of, read_count, run_script, run_threads


@pytest.fixture(params=[*COMPILED, CounterMap, SharedCounter, SharedCounterMap, *COMPAT], ids=name_of)
def public_class(request):
    """Each public class, with and without a count of its own."""
    return request.param


def increment(counter):
    """Call increment() and return the result, if that is not None, or the count."""
    is_map = isinstance(counter, Mapping)
    result = counter.increment(*["label"] * is_map)
    return (counter.total() if is_map else int(counter)) if result is None else result


def copies(cls):
    """Return the names of the methods that a class has a copy of."""
    return {name for name, method in vars(cls).items() if getattr(method, "__objclass__", None) is cls} - {"__dict__"}


pytestmark = pytest.mark.reentrant


def test_own_arguments_and_attributes(counter_class):
    class Named(counter_class):
        def __init__(self, name, unit="1", *, initial=0):
            super().__init__(initial)
            self.name = name
            self.unit = unit

    counter = Named("requests", unit="s", initial=5)
    counter.increment()
    assert (counter.name, counter.unit, read_count(counter)) == ("requests", "s", 6)
    del counter.unit
    assert not hasattr(counter, "unit")
    assert repr(counter) == "Named(6)"


def test_own_init_that_calls_no_other(counter_class):
    class Silent(counter_class):
        def __init__(self, name):
            pass

    counter = Silent("requests")
    counter.increment()
    assert read_count(counter) == 1


def test_slots(counter_class):
    class Slotted(counter_class):
        __slots__ = ("name",)

    counter = Slotted(5)
    counter.name = "requests"
    assert (counter.name, read_count(counter)) == ("requests", 5)
    with pytest.raises(AttributeError):
        counter.other = 1


def test_weak_references(counter_class):
    subclass = type("Sub", (counter_class,), {})
    slotted = type("Slotted", (counter_class,), {"__slots__": ()})
    for kind in (counter_class, subclass, slotted):
        counter = kind(5)
        reference = weakref.ref(counter)
        assert reference() is counter
        del counter
        assert reference() is None


def test_overrides(counter_class):
    class Double(counter_class):
        def increment(self):
            super().increment()
            super().increment()

    class Leaf(Double):
        pass

    for kind in (Double, Leaf):
        counter = kind()
        counter.increment()
        assert read_count(counter) == 2


def test_mixin_before_the_counter(counter_class):
    class Mixin:
        def increment(self):
            self.add(10)

    class Sub(Mixin, counter_class):
        pass

    class Leaf(Sub):
        pass

    for kind in (Sub, Leaf):
        counter = kind()
        counter.increment()
        assert read_count(counter) == 10


def test_mixin_behind_the_counter(counter_class):
    class Mixin:
        def increment(self):
            self.add(10)

    class Sub(counter_class, Mixin):
        pass

    counter = Sub()
    counter.increment()
    assert read_count(counter) == 1


def test_override_on_the_other_side_of_a_diamond(public_class):
    """The method resolution order decides, as if `Plain` had inherited the method."""

    class Plain(public_class):
        pass

    class Double(public_class):
        def increment(self, *args):
            return "double"

    class Diamond(Plain, Double):
        pass

    class Triple(Double):
        def increment(self, *args):
            return "triple"

    class Late(Diamond, Triple):  # its order is Late, Diamond, Plain, Triple, Double
        pass

    for kind, result in ((Plain, 1), (Diamond, "double"), (Late, "triple"), (type("Leaf", (Late,), {}), "triple")):
        assert increment(instance_of(kind)) == result


def test_a_base_that_is_patched_later(public_class):
    class Base(public_class):
        pass

    class Other(public_class):
        pass

    class Leaf(Base):
        pass

    class Diamond(Base, Other):
        pass

    for cls in (Base, Other):
        with mock.patch.object(cls, "increment", return_value="patched"):
            assert increment(instance_of(Diamond)) == "patched"
            assert increment(instance_of(Leaf)) == ("patched" if cls is Base else 1)
        assert increment(instance_of(Diamond)) == increment(instance_of(Leaf)) == 1
    Other.increment = lambda *args: "assigned"
    assert increment(instance_of(Diamond)) == "assigned"
    del Other.increment
    assert increment(instance_of(Diamond)) == 1


def test_an_assignment_behind_a_mixin(public_class):
    class Mixin:
        def increment(self, *args):
            return "mixin"

    class Sub(Mixin, public_class):
        pass

    class Single(Sub):
        increment = public_class.increment

    class Other(Mixin, public_class):
        increment = type("Sibling", (public_class,), {}).increment

    for kind in (Single, type("Leaf", (Single,), {}), Other):
        assert increment(instance_of(kind)) == 1


def test_a_method_of_another_subclass(public_class):
    """It is the method that the other class has inherited, under any name, directly and in a mixin."""

    class Sibling(public_class):
        pass

    class Mixin:
        step = Sibling.increment

    class Sub(Mixin, public_class):
        increment = count = Sibling.increment

    class Leaf(Sub):
        count = Sub.count

    for kind in (Sub, Leaf):
        assert kind.increment is kind.step is kind.count is public_class.increment
        assert increment(instance_of(kind)) == 1


def test_an_override_taken_back(counter_class):
    class Double(counter_class):
        def increment(self):
            self.add(2)

    class Single(Double):
        increment = counter_class.increment

    class Leaf(Single):
        pass

    for kind in (Single, Leaf, type("Below", (Leaf,), {})):
        counter = kind()
        counter.increment()
        assert read_count(counter) == 1


def test_a_method_switched_off(counter_class):
    class Sealed(counter_class):
        reset = None

    class Leaf(Sealed):
        pass

    for kind in (Sealed, Leaf):
        with pytest.raises(TypeError, match="not callable"):
            kind().reset()


class OnTheClass(type):
    """A metaclass that has a `value`, which is not an attribute of the instances."""

    value = property(lambda cls: 1 / 0)


@pytest.mark.parametrize("metaclass", [type, OnTheClass])
@pytest.mark.parametrize("descriptor", [property, types.DynamicClassAttribute])  # the second raises on the class
def test_value_overridden_by_a_descriptor(counter_class, descriptor, metaclass):
    class Doubled(counter_class, metaclass=metaclass):
        @descriptor
        def value(self):
            return 2 * int(self)

        @value.setter
        def value(self, value):
            self.reset()
            self.add(value // 2)

        @value.deleter
        def value(self):
            self.reset()

    counter = Doubled(5)
    assert counter.value == 10
    counter.value = 8
    assert (int(counter), counter.value) == (4, 8)
    del counter.value
    assert counter.value == 0


@pytest.mark.parametrize("other", [str.upper, list.append, "increment", "reset"])
def test_value_overridden_by_another_method(counter_class, other):
    """Assigning sets an attribute of the instance, as in any class with a method of that name."""

    class Sub(counter_class):
        value = getattr(counter_class, other) if isinstance(other, str) else other

    class Leaf(Sub):
        pass

    for kind in (Sub, Leaf):
        counter = kind(5)
        counter.value = 7
        assert (int(counter), counter.__dict__) == (5, {"value": 7})
        del counter.value
        assert (int(counter), counter.__dict__) == (5, {})


@pytest.mark.parametrize("other_class", [*COMPILED, SharedCounter, *COMPAT], ids=name_of)
def test_value_of_another_class(counter_class, other_class):
    """It is an attribute like any other, as the methods and descriptors of other classes are."""
    if other_class is counter_class:
        return

    class Other(other_class):
        pass

    for owner in (other_class, Other):

        class Sub(counter_class):
            value = owner.value

        counter = Sub(5)
        if callable(owner.value):
            counter.value = 7
            assert counter.__dict__ == {"value": 7}
            del counter.value
            assert not counter.__dict__
        else:
            with pytest.raises(TypeError, match=r"for .* objects doesn't apply to a 'Sub' object"):
                counter.value = 7
        assert int(counter) == 5


def test_value_of_a_metaclass(attribute_counter_class):
    class Sub(attribute_counter_class, metaclass=OnTheClass):
        pass

    counter = Sub(5)
    counter.value += 1
    assert counter.value == int(counter) == 6
    with pytest.raises(TypeError, match="value must be an integer"):
        counter.value = "1"
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del counter.value


def test_value_overridden_by_a_slot_or_an_attribute(counter_class):
    class Slotted(counter_class):
        __slots__ = ("value",)

    class Plain(counter_class):
        value = None

    for overriding_class in (Slotted, Plain):
        counter = overriding_class(5)
        counter.value = "anything"
        assert (counter.value, int(counter)) == ("anything", 5)
        del counter.value
        assert int(counter) == 5


def test_setattr_overridden(counter_class):
    seen = []

    class Noting(counter_class):
        def __setattr__(self, name, value):
            seen.append(name)
            super().__setattr__(name, value)

    counter = Noting(5)
    counter.name = "requests"
    if counter_class is not FastWriteCounter:
        counter.value = 7
        assert counter.value == 7
        with pytest.raises(TypeError, match="value must be an integer"):
            counter.value = "1"
    assert seen[0] == counter.__dict__.popitem()[0] == "name"


def test_other_ways_of_making_classes(counter_class):
    class Abstract(counter_class, metaclass=abc.ABCMeta):
        @abc.abstractmethod
        def name(self): ...

    class Concrete(Abstract):
        def name(self):
            return "requests"

    T = typing.TypeVar("T")

    class Generic(counter_class, typing.Generic[T]):
        pass

    @dataclasses.dataclass(slots=True, eq=False, repr=False)
    class Data(counter_class):  # made twice: the second time with the first one's attributes
        name: str = "requests"

    for kind in (Concrete, Generic[int], Data, types.new_class("New", (counter_class,))):
        counter = kind()
        counter.increment()
        counter.add(2)
        assert (read_count(counter), counter.reset(), read_count(counter)) == (3, 3, 0)


def test_a_class_made_a_second_time(public_class):
    """As dataclass(slots=True) and attrs make it, from its attributes.  These do not become overrides."""

    class Base(public_class):
        pass

    again = type("Base", (public_class,), {**vars(Base), "__qualname__": "Again"})
    other = type("Other", (public_class,), {"increment": lambda *args: "other"})
    assert copies(again) == copies(Base) != set()
    assert increment(instance_of(type("Diamond", (again, other), {}))) == "other"


def test_init_subclass_is_cooperative(counter_class):
    made = []

    class Registry:
        def __init_subclass__(cls, tag=None, **kwargs):
            super().__init_subclass__(**kwargs)
            made.append((cls.__name__, tag))

    class First(counter_class, Registry, tag="a"):
        pass

    class Second(First, tag="b"):
        pass

    assert made == [("First", "a"), ("Second", "b")]
    with pytest.raises(TypeError, match="keyword"):
        type("Third", (counter_class,), {}, tag="c")


def test_methods_belong_to_the_exact_type(public_class):
    """So the interpreter calls them by its fastest path."""

    class Mixin:
        pass

    class Sub(Mixin, public_class):
        __slots__ = ()

    public = {name for name in dir(public_class) if not name.startswith("_")}
    names = {name for name in public if callable(getattr(public_class, name))}
    assert {"increment", "reset"} < names
    for kind in (public_class, Sub, types.new_class("New", (public_class, typing.Generic[typing.TypeVar("T")]))):
        assert {name for name in copies(kind) & public if type(vars(kind)[name]) is types.MethodDescriptorType} == names
        for name in names:
            assert vars(kind)[name].__doc__ == getattr(public_class, name).__doc__


def test_classes_without_methods_of_their_own(public_class):
    """Below a class that can be patched, and where another base may have the method: such a class inherits."""

    class Base(public_class):
        pass

    class Other(public_class):
        pass

    class Mixin:
        add = None

    class Sub(Mixin, public_class):
        increment = public_class.increment

    names = copies(Base)
    assert copies(Sub) == names - {"add", "increment"}
    assert not copies(type("Leaf", (Base,), {}))
    assert copies(Base) == names
    type("Diamond", (Base, Other), {})
    assert not copies(Base)
    assert copies(Other) == names


def test_the_hook_called_again(public_class):
    class Base(public_class):
        pass

    class Other(public_class):
        def increment(self, *args):
            return "other"

    class Diamond(Base, Other):
        pass

    for cls in (Base, Other, Diamond):
        cls.__init_subclass__()
    assert increment(instance_of(Diamond)) == "other"


def test_random_hierarchies():
    assert "0 of 2000 hierarchies differ" in run_script("hierarchies.py")


def test_a_subclass_method_takes_no_other_type(counter_class):
    class Sub(counter_class):
        pass

    with pytest.raises(TypeError, match="increment"):
        Sub.increment(counter_class())
    with pytest.raises(TypeError, match="increment"):
        counter_class.increment(object())


@pytest.mark.threads
@pytest.mark.stress
def test_classes_made_while_other_threads_use_their_bases(public_class):
    class Mixin:
        pass

    done = threading.Event()

    def make_classes():
        try:
            for _ in range(500):
                kind = type("Sub", (Mixin, public_class), {})
                assert vars(kind)["increment"].__objclass__ is kind
        finally:
            done.set()

    def read_annotations():  # makes the attribute, and deletes it so that the next round makes it again
        while not done.is_set():
            assert Mixin.__annotations__ == {}
            del Mixin.__annotations__

    def set_attributes():
        while not done.is_set():
            for number in range(100):
                setattr(Mixin, f"name{number}", number)
            for number in range(100):
                delattr(Mixin, f"name{number}")

    run_threads(make_classes, read_annotations, set_attributes)


@pytest.mark.threads
@pytest.mark.stress
def test_methods_used_and_assigned_while_a_diamond_removes_them(public_class):
    """A call finds the method or its override.  What a thread assigns to the class stays."""
    bases = [(type("Base", (public_class,), {}), type("Other", (public_class,), {})) for _ in range(100)]
    current, done = [bases[0][0]], threading.Event()
    barrier = threading.Barrier(2, timeout=60)

    def extend():
        try:
            for index, (base, other) in enumerate(bases):
                current[0] = base
                if index % 2:
                    barrier.wait()
                type("Diamond", (base, other), {})
        finally:
            done.set()

    def assign():
        for base, _ in bases[1::2]:
            barrier.wait()
            base.increment = lambda *args: "assigned"

    def call():
        while not done.is_set():
            counter = instance_of(current[0])
            for _ in range(20):
                assert increment(counter) is not None

    run_threads(extend, assign, call, call)
    for index, (base, _) in enumerate(bases):
        assert "add" not in vars(base)
        assert increment(instance_of(base)) == ("assigned" if index % 2 else 1)


def test_types_are_not_interchangeable():
    with pytest.raises(TypeError):
        SingleThreadCounter.increment(FastReadCounter())
    with pytest.raises(TypeError):
        vars(FastReadCounter)["add"](FastWriteCounter(), 1)
    assert not isinstance(fastcounter.FastReadCounter(), fastcounter.SingleThreadCounter)
