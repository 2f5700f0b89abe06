"""Subclasses: their arguments and attributes, overrides and mixins, and specialized methods."""

import abc
import dataclasses
import threading
import types
import typing
import weakref

import pytest

import fastcounter
from fastcounter import FastReadCounter, FastWriteCounter, SharedCounter, SingleThreadCounter
from helpers import CHANGES, COMPAT, COMPILED, name_of, read_count, run_threads


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


def test_override_on_the_other_side_of_a_diamond(counter_class):
    """The method resolution order decides, as if `Plain` had inherited the method."""

    class Plain(counter_class):
        pass

    class Double(counter_class):
        def increment(self):
            self.add(2)

    class Diamond(Plain, Double):
        pass

    class Leaf(Diamond):
        pass

    for kind in (Diamond, Leaf):
        counter = kind()
        counter.increment()
        assert read_count(counter) == 2


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


def test_methods_belong_to_the_exact_type(counter_class):
    class Sub(counter_class):
        pass

    class Leaf(Sub):
        __slots__ = ()

    names = {name for name in CHANGES if not name.startswith("__")} & set(dir(counter_class))
    names |= {"value"} if counter_class is FastWriteCounter else set()
    for kind in (counter_class, Sub, Leaf):
        for name in names:
            method = vars(kind)[name]
            assert type(method) is types.MethodDescriptorType
            assert method.__objclass__ is kind
            assert method.__doc__ == getattr(counter_class, name).__doc__


def test_a_subclass_method_takes_no_other_type(counter_class):
    class Sub(counter_class):
        pass

    with pytest.raises(TypeError, match="increment"):
        Sub.increment(counter_class())
    with pytest.raises(TypeError, match="increment"):
        counter_class.increment(object())


@pytest.mark.parametrize("base", [*COMPILED, *COMPAT, SharedCounter], ids=name_of)
def test_classes_made_while_other_threads_use_their_bases(base):
    class Mixin:
        pass

    class Base(base):
        pass

    done = threading.Event()

    def make():
        try:
            for _ in range(500):
                kind = type("Sub", (Mixin, Base), {})
                assert vars(kind)["increment"].__objclass__ is kind
        finally:
            done.set()

    def read_annotations():  # makes the attribute, and deletes it so that the next round makes it again
        while not done.is_set():
            assert Base.__annotations__ == {}
            del Base.__annotations__

    def set_attributes():
        while not done.is_set():
            for number in range(100):
                setattr(Mixin, f"name{number}", number)
            for number in range(100):
                delattr(Mixin, f"name{number}")

    run_threads(make, read_annotations, set_attributes)


def test_types_are_not_interchangeable():
    with pytest.raises(TypeError):
        SingleThreadCounter.increment(FastReadCounter())
    with pytest.raises(TypeError):
        vars(FastReadCounter)["add"](FastWriteCounter(), 1)
    assert not isinstance(fastcounter.FastReadCounter(), fastcounter.SingleThreadCounter)
