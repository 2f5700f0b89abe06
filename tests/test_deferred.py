"""Deferred reference counting: a counter that several threads have used is freed at the next garbage collection."""

import ctypes
import functools
import gc
import re
import sys
import weakref
from multiprocessing.shared_memory import SharedMemory

import pytest

from fastcounter import FastReadCounter, SharedCounter, SingleThreadCounter
from helpers import (
    COMPAT,
    COMPILED,
    DEFERS,
    GIL_BUILD,
    instance_of,
    name_of,
    read_count,
    resident_in,
    run_script,
    run_threads,
)

only_where_deferred = pytest.mark.skipif(not DEFERS, reason="this build never defers reference counting")
pytestmark = [pytest.mark.threads, pytest.mark.usefixtures("short_collections")]


@pytest.fixture(params=[*COMPILED, *COMPAT, SharedCounter], ids=name_of)
def cls(request):
    return request.param


@pytest.fixture(params=["itself", "with a dict", "with empty slots", "with slots"])
def make(request, cls):
    """Make a counter of the class, or of a subclass."""
    bodies = {"with a dict": {}, "with empty slots": {"__slots__": ()}, "with slots": {"__slots__": ("label",)}}
    made = cls if request.param == "itself" else type("Subclass", (cls,), bodies[request.param])
    return functools.partial(instance_of, made)


WAYS_TO_USE_IT = {
    "read": read_count,
    "add": lambda counter: counter.add(1),
    "reset": lambda counter: counter.reset(),
    "int()": int,
    "repr()": repr,
    "increment": lambda counter: counter.increment(),
}


def use(counter):
    counter.increment()
    return counter.reset()


def use_in_another_thread(counter, use_it=use):
    run_threads(lambda: use_it(counter))


def test_what_one_thread_uses_is_freed_with_its_last_reference(make):
    counter = make()
    freed = weakref.ref(counter)
    use(counter)
    del counter
    assert freed() is None


def test_what_two_threads_use_is_freed_by_a_collection(make):
    counter = make()
    freed = weakref.ref(counter)
    use_in_another_thread(counter)
    use(counter)
    del counter
    assert (freed() is not None) is DEFERS
    gc.collect()
    assert freed() is None


@only_where_deferred
@pytest.mark.parametrize("use_it", WAYS_TO_USE_IT.values(), ids=WAYS_TO_USE_IT)
def test_each_way_to_use_it_counts(make, use_it):
    counter = make()
    freed = weakref.ref(counter)
    use_in_another_thread(counter, use_it)
    del counter
    assert freed() is not None
    gc.collect()
    assert freed() is None


@only_where_deferred
@pytest.mark.parametrize("cls", [SingleThreadCounter, FastReadCounter, SharedCounter], ids=name_of)
def test_assigning_counts(make):
    counter = make()
    freed = weakref.ref(counter)
    use_in_another_thread(counter, lambda counter: setattr(counter, "value", 5))
    del counter
    assert freed() is not None
    gc.collect()
    assert freed() is None


@only_where_deferred
@pytest.mark.parametrize("use_it", [use, read_count])
def test_nothing_is_left_to_do_if_cpython_has_deferred_it(make, use_it):
    """CPython 3.15 defers counters in globals by itself.  fastcounter then tries once, not at each call."""
    counter = make()
    header = (ctypes.c_uint8 * object.__basicsize__).from_address(id(counter))
    before = bytes(header)
    assert ctypes.pythonapi.PyUnstable_Object_EnableDeferredRefcount(ctypes.py_object(counter)) == 1
    flags, bit = next((i, now ^ then) for i, (now, then) in enumerate(zip(header, before, strict=True)) if now != then)
    use_in_another_thread(counter, use_it)  # sees that nothing is left to do
    header[flags] ^= bit
    use_in_another_thread(counter, use_it)  # would find something to do now
    deferred_again = header[flags] & bit
    header[flags] |= bit
    assert not deferred_again


def test_a_finalizer_runs_once_and_may_bring_the_counter_back(cls):
    kept = []

    class Subclass(cls):
        def __del__(self):
            kept.append(self)

    counter = instance_of(Subclass)
    use_in_another_thread(counter)
    del counter
    gc.collect()
    counter = kept.pop()
    use_in_another_thread(counter)
    counter.increment()
    assert int(counter) == 1
    freed = weakref.ref(counter)
    del counter
    gc.collect()
    assert (freed(), kept) == (None, [])


def test_a_finalizer_may_use_a_counter_that_is_garbage_too(make):
    """A counter that leaks keeps a reference to its type."""

    class Owner:
        def __init__(self):
            self.itself = self
            self.counter = make()

        def __del__(self):
            use(self.counter)

    def references(owners):
        for _ in range(owners):
            Owner()
        gc.collect()
        return sys.getrefcount(counter_class)

    counter_class = type(make())
    assert references(100) == references(100)


@pytest.mark.skipif(not GIL_BUILD and not DEFERS, reason="once 3.13t has had threads, it never frees a class")
def test_a_cycle_through_the_class_is_freed(cls):
    class Subclass(cls):
        pass

    Subclass.instance = instance_of(Subclass)
    use_in_another_thread(Subclass.instance)
    freed = weakref.ref(Subclass)
    del Subclass
    gc.collect()
    assert freed() is None


def test_a_collection_while_a_counter_is_freed(make):
    """The collector must not see a counter that is being deallocated."""
    for _ in range(10):
        counter = make()
        counter.increment()
        freed = weakref.ref(counter, lambda _: gc.collect())
        del counter
        assert freed() is None


def test_a_cycle_through_an_attribute_is_freed(cls):
    class Subclass(cls):
        pass

    counter = instance_of(Subclass)
    counter.itself = counter
    freed = weakref.ref(counter)
    use_in_another_thread(counter)
    del counter
    gc.collect()
    assert freed() is None


@only_where_deferred
def test_a_cycle_through_shared_memory_is_freed():
    class Memory(bytearray):
        pass

    memory = Memory(8)
    memory.counter = SharedCounter(memory)
    freed = weakref.ref(memory.counter)
    del memory
    gc.collect()
    assert freed() is None


@only_where_deferred
def test_a_cycle_through_a_shared_memory_of_multiprocessing_is_freed():
    """The collector closes it first; then nothing may be printed, which pytest would turn into an error."""
    memory = SharedMemory(create=True, size=64)
    memory.counter = SharedCounter(memory)
    freed = weakref.ref(memory.counter)
    use_in_another_thread(memory.counter)
    memory.unlink()
    del memory
    gc.collect()
    assert freed() is None


@only_where_deferred
def test_types_keep_their_reference_counts(cls):
    """An instance holds one reference to its type, until a collection frees it."""

    class Subclass(cls):
        pass

    def make_many(made):
        counters = [instance_of(made) for _ in range(1000)]
        run_threads(lambda: [use(counter) for counter in counters])

    make_many(Subclass)
    gc.collect()
    before = sys.getrefcount(cls), sys.getrefcount(Subclass)
    make_many(Subclass)
    gc.collect()
    assert (sys.getrefcount(cls), sys.getrefcount(Subclass)) == before
    freed = weakref.ref(Subclass)
    del Subclass
    gc.collect()
    assert freed() is None


@pytest.mark.growth
def test_shared_counters_that_come_and_go_do_not_grow_memory():
    output = run_script("shared_and_dropped.py", "--counters", 20_000, "--rounds", 6)
    taken = resident_in(output)
    if not taken:
        pytest.skip("nothing here measures memory")
    assert taken[-1] - taken[1] < 20_000  # four rounds of 20,000 counters would leak more than 40,000


@pytest.mark.skipif(GIL_BUILD, reason="there are no stripes")
def test_stripes_take_memory_only_where_threads_meet():
    """Two threads use ten thousand counters in turn, on a machine that appears to have 64 processors."""
    output = run_script("stripes.py", "--counters", 10_000, "--threads", 2, "--processors", 64)
    assert int(re.search(r"(\d+) bytes a counter", output)[1]) <= 700


@pytest.mark.hangs_under_wine
@pytest.mark.skipif(GIL_BUILD, reason="there are no stripes")
def test_stripes_grow_where_threads_meet():
    output = run_script("stripes.py", "--counters", 5, "--threads", 8, "--processors", 64, "--at-once")
    before, after = re.findall(r"(\d+) bytes a counter", output)
    assert int(after) - int(before) >= 1000


@pytest.mark.hangs_under_wine
@pytest.mark.stress
def test_nothing_is_lost_by_name():
    # With the GIL a collection takes it for long, again and again.
    run_script("by_name.py", "--increments", 1_000_000 if DEFERS else 2000, timeout=900)
