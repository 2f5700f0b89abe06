"""Arguments, subclasses and moments that try to break a counter: none may crash it or make its count wrong."""

import ctypes
import itertools
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import (
    CHANGES,
    COMPAT,
    COMPILED,
    EXACT,
    GIL_BUILD,
    SCRIPTS,
    name_of,
    read_count,
    run_python,
    run_quietly,
)


class Raising:
    def __index__(self):
        raise ZeroDivisionError


class Huge:
    def __index__(self):
        return 1 << 5000


class Recursive:
    """An integer that uses the counter while the counter converts it."""

    def __init__(self, counter, depth):
        self.counter = counter
        self.depth = depth

    def __index__(self):
        if self.depth:
            self.counter.add(Recursive(self.counter, self.depth - 1))
            self.counter.reset()
            self.counter.__init__(2**40)
        return 3


HOSTILE = [Raising(), Huge(), object(), None, 1.5, "1", b"1", 2**70, -(2**70), True]
METHODS = [*CHANGES, "value"]


@pytest.mark.parametrize("compiled_class", COMPILED, ids=name_of)
@given(calls=st.lists(st.tuples(st.sampled_from(METHODS), st.lists(st.sampled_from(HOSTILE), max_size=2)), max_size=12))
def test_any_calls_at_all(compiled_class, calls):
    counter = compiled_class()
    for name, args in calls:
        before = int(counter)
        try:
            getattr(counter, name)(*args)
        except (TypeError, AttributeError, ZeroDivisionError):
            assert int(counter) == before
    counter.__init__(5)
    counter.increment()
    assert read_count(counter) == 6


def test_index_that_uses_the_counter_in_every_way(counter_class):
    counter = counter_class()
    counter.add(Recursive(counter, 20))
    assert read_count(counter) == 2**40 + 3


def test_index_that_drops_the_last_reference(counter_class):
    holder = [counter_class(2**40)]

    class Dropping:
        def __index__(self):
            holder.clear()
            return 1

    holder[0].add(Dropping())
    holder.append(counter_class(2**40))
    holder[0].__init__(Dropping())


def test_a_subclass_that_overrides_everything(counter_class):
    def broken(self, *args):
        raise ZeroDivisionError

    names = [*METHODS, "__int__", "__repr__", "__reduce__", "__setattr__", "__getattribute__", "__delattr__"]
    broken_class = type("Broken", (counter_class,), dict.fromkeys(names, broken))
    counter = broken_class.__new__(broken_class)
    for name in names[:-1]:
        with pytest.raises(ZeroDivisionError):
            getattr(counter, name)
    counter_class.increment(counter)
    assert counter_class.__int__(counter) == 1


def test_finalizer_that_uses_the_counter(counter_class):
    seen = []

    class Final(counter_class):
        def __del__(self):
            self.increment()
            seen.append(int(self))

    Final(2**40)
    assert seen == [2**40 + 1]


@pytest.mark.untraceable
def test_no_memory(counter_class, without_memory):
    """Whichever allocation fails, a call either succeeds or leaves the count unchanged.

    Without the GIL, an addition stands if there is no memory for the new count that it returns.
    """
    failures = 0
    names = [name for name in CHANGES if hasattr(counter_class, name)]
    for name, initial, amount in itertools.product(names, (0, 300, 2**30 - 1, 2**60 - 1, 2**62 + 5), (2**90, -5)):
        takes, effect = CHANGES[name]
        kept = []

        def make(initial=initial, kept=kept):
            counter = counter_class(initial)
            kept.append(read_count(counter))  # a second reference, so the count cannot change in place
            return counter

        for counter, failed in without_memory(12, make, getattr(counter_class, name), *[amount] * takes):
            failures += failed
            stands = failed and name.endswith("_and_get") and not GIL_BUILD and read_count(counter) != initial
            assert read_count(counter) == (initial if failed and not stands else effect(initial, amount))
            assert kept.pop() == initial
    assert failures


@pytest.mark.untraceable
@pytest.mark.parametrize("cls", [cls for cls in EXACT if hasattr(cls, "increment_and_get")], ids=name_of)
def test_no_number_is_returned_twice_if_memory_runs_out(cls):
    testcapi = pytest.importorskip("_testcapi")
    failures = 0
    for start in range(0, 3_000, 100):
        counter = cls(10**6)  # so that each number is a new int
        places = [[None] for _ in range(4_000)]
        running, done = [False] * 4, []

        def take(index, counter=counter, places=places, running=running, done=done, start=start):
            for place in places[index::4]:  # while memory has run out, this allocates nothing but the numbers
                if not running[index]:
                    running[index] = True
                    while False in running:
                        time.sleep(0)
                    if index == 0:
                        testcapi.set_nomemory(start, start + 300)
                try:
                    place[0] = counter.increment_and_get()
                except MemoryError:
                    place[0] = None
            if index == 0:
                testcapi.remove_mem_hooks()
                done.append(True)
            while not done:
                time.sleep(0)

        threads = [threading.Thread(target=take, args=(index,), daemon=True) for index in (1, 2, 3)]
        for thread in threads:
            thread.start()
        take(0)
        for thread in threads:
            thread.join()
        taken = [number for (number,) in places if number is not None]
        assert len(set(taken)) == len(taken)
        assert 10**6 + len(taken) <= counter.value <= 10**6 + 4_000
        failures += 4_000 - len(taken)
    assert failures


@pytest.mark.threads
@pytest.mark.stress
def test_asynchronous_exceptions(counter_class):
    """An exception that another thread raises in this one comes between two calls, not during one."""

    class Stop(BaseException):
        pass

    counter = counter_class()
    started, done = [], []

    def count():
        calls = 0
        try:
            started.append(True)
            while True:
                counter.increment()
                calls += 1
        except Stop:
            done.append(calls)

    threads = [threading.Thread(target=count) for _ in range(3 if counter_class in EXACT else 1)]
    for thread in threads:
        thread.start()
    while len(started) < len(threads):
        time.sleep(0.01)
    time.sleep(0.05)
    for thread in threads:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Stop))
    for thread in threads:
        thread.join()
    # The exception may have come after a thread's last increment and before the thread recorded it.
    assert 0 <= read_count(counter) - sum(done) <= len(threads)


def test_shutdown_while_threads_count(counter_class):
    # CPython 3.10 itself crashes in one of about 250 such shutdowns, even if the threads only use a dict.
    attempts = 5 if sys.version_info < (3, 11) else 1
    crashed = (-signal.SIGSEGV, 0xC0000005)  # on POSIX, and on Windows
    results = []
    while len(results) < attempts and (not results or results[-1].returncode in crashed):
        results.append(run_python(SCRIPTS / "shutdown.py", "--classes", name_of(counter_class), timeout=60))
    assert (results[-1].returncode, results[-1].stdout) == (0, "ending\n"), results[-1]


@pytest.mark.parametrize("other_class", COMPILED + COMPAT)
def test_one_class_of_counters_is_enough(counter_class, other_class):
    """A class with two of ours as bases would need two kinds of cell.  No metaclass or mixin can make one."""

    class Meta(type):
        def mro(cls):
            return [cls, counter_class, other_class, object]

    class Silent:
        def __init_subclass__(cls):
            pass

    if other_class is counter_class:
        return
    sub = type("Sub", (counter_class,), {})
    other_sub = type("OtherSub", (other_class,), {"__slots__": ()})
    for bases in [(counter_class, other_class), (sub, other_class), (sub, other_sub), (Silent, sub, other_sub)]:
        for metaclass in (type, Meta):
            with pytest.raises(TypeError, match="lay-out conflict"):
                metaclass("Both", bases, {})


def test_an_instance_keeps_its_kind_of_class(counter_class):
    sub = type("Sub", (counter_class,), {})
    for other_class in COMPILED:
        if other_class is counter_class:
            continue
        other_sub = type("OtherSub", (other_class,), {})
        with pytest.raises(TypeError, match="layout"):
            sub().__class__ = other_sub
        with pytest.raises(TypeError, match="layout"):
            sub.__bases__ = (other_class,)
        for target in (counter_class, other_class):
            with pytest.raises(TypeError):
                counter_class().__class__ = target


@pytest.mark.parametrize("name", ["increment", "value", "__init__", "__init_subclass__", "other"])
def test_classes_are_immutable(counter_class, name):
    for cls in counter_class.__mro__[:-1]:
        with pytest.raises(TypeError, match="immutable"):
            setattr(cls, name, None)


def test_unbound_methods_take_no_none(counter_class):
    for name in [*METHODS, "__int__", "__repr__", "__reduce__", "__setattr__", "__delattr__"]:
        method = getattr(counter_class, name, None)
        if callable(method):
            with pytest.raises(TypeError):
                method(None)


def test_names_that_are_not_strings(counter_class):
    for name in (5, None, b"value"):
        with pytest.raises(TypeError):
            counter_class().__setattr__(name, 1)
        with pytest.raises(TypeError):
            counter_class().__delattr__(name)


# Each of these runs in another process, because a mistake would crash it.  ALL are the classes to subclass.
ALL = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})

import fastcounter, weakref
from fastcounter import compat
from helpers import instance_of
from types import MethodDescriptorType
from unittest import mock

ALL = [getattr(module, name) for module in (fastcounter, compat) for name in module.__all__]

MAPS = fastcounter.CounterMap, fastcounter.SharedCounterMap

def arguments(base):
    return ("label",) if base in MAPS else ()

def count(counter):
    return counter["label"] if isinstance(counter, MAPS) else int(counter)

def check(cls, base):
    counter = instance_of(cls)
    counter.increment(*arguments(base))
    assert count(counter) == 1, (cls, count(counter))
"""

LIES = {
    "__class__": """
class Liar:
    __class__ = property(lambda self: MethodDescriptorType)
    __objclass__ = property(lambda self: base)
for base in ALL:
    class Sub(base):
        increment = Liar()
        other = Liar()
    class Leaf(Sub):
        increment = base.increment
    check(Leaf, base)
    assert type(Sub.increment) is type(Leaf.other) is Liar
""",
    "mock with a spec": """
for base in ALL:
    class Sub(base):
        increment = mock.Mock(spec=base.increment)
    class Leaf(Sub):
        pass
    for cls in (Sub, Leaf):
        instance_of(cls).increment(5)
    assert [call.args for call in Sub.increment.mock_calls] == [(5,), (5,)]
""",
    "patched class": """
for base in ALL:
    class Sub(base):
        pass
    with mock.patch.object(Sub, "increment", autospec=True) as increment:
        class Leaf(Sub):
            pass
        counter = instance_of(Leaf)
        counter.increment(*arguments(base))
        increment.assert_called_once_with(*arguments(base))
    check(Sub, base)
    check(Leaf, base)
""",
    "__mro__": """
class Liar(type):
    __mro__ = property(lambda cls: (cls, *ALL, object))
    __dict__ = property(lambda cls: {"increment": compat.Counter.increment, "value": None})
    __bases__ = property(lambda cls: tuple(ALL))
for base in ALL:
    class Sub(base, metaclass=Liar):
        pass
    check(Sub, base)
    check(type("Leaf", (Sub,), {}), base)
    if base.__name__ not in ("FastWriteCounter", "CounterMap", "SharedCounterMap"):
        counter = instance_of(Sub)
        counter.value = 7
        assert int(counter) == 7
""",
    "dead weakref.proxy": """
class Target:
    pass
for base in ALL:
    class Sub(base):
        increment = other = weakref.proxy(Target())
    check(type("Leaf", (Sub,), {"increment": base.increment}), base)
""",
    "method of another class": """
methods = {value for cls in (*ALL, str) for value in vars(cls).values() if type(value) is MethodDescriptorType}
for base in ALL:
    for method in methods:
        sub = type("Sub", (base,), {"increment": method, "value": method})
        counter = instance_of(sub)
        for name in ("increment", "value"):
            try:
                getattr(counter, name)()
            except TypeError:
                pass
        base.reset(counter)
        base.increment(counter, *arguments(base))
        assert count(counter) == 1, (base, method)
""",
    "property of a metaclass": """
class Meta(type):
    increment = add = reset = value = property(lambda cls: 1 / 0)
for base in ALL:
    class Sub(base, metaclass=Meta):
        pass
    check(Sub, base)
""",
    "class to restore": """
class Meta(type):
    __bases__ = __mro__ = property(lambda cls: (fastcounter.FastReadCounter,))
    __class__ = property(lambda cls: type)
class Liar(metaclass=Meta):
    pass
class Instance:
    __class__ = type
    __bases__ = (fastcounter.FastReadCounter,)
    def __new__(cls, *args):
        return object.__new__(cls)
from fastcounter._counters import _restore, _restore_with
for cls in (Liar, Instance, Instance()):
    for restore in (_restore, lambda cls, count: _restore_with(cls, (), {}, count)):
        try:
            restore(cls, 5)
        except TypeError as error:
            assert "only a class of counters can be restored" in str(error), error
        else:
            raise AssertionError(cls)
""",
    "class to prepare": """
class Meta(type):
    __class__ = property(lambda cls: Sub)
class Liar(metaclass=Meta):
    pass
class Instance:
    __class__ = property(lambda self: Sub)
for base in ALL:
    Sub = type("Sub", (base,), {})
    prepare = next(vars(cls)["__init_subclass__"] for cls in base.__mro__ if "__init_subclass__" in vars(cls)).__func__
    for cls in (Liar, Instance, Instance(), None):
        try:
            prepare(cls)
        except TypeError as error:
            assert "is not a subclass" in str(error), error
        else:
            raise AssertionError(cls)
""",
}


@pytest.mark.parametrize("name", LIES)
def test_lies_about_classes(name):
    """What an attribute or a class says about itself decides nothing."""
    run_quietly("-c", ALL + LIES[name])
