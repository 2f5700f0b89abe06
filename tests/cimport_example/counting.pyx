# cython: language_level=3, freethreading_compatible=True
"""A user's Cython module: counters called from C."""

from fastcounter cimport (
    CounterMap,
    FastReadCounter,
    FastWriteCounter,
    SharedCounter,
    SharedCounterMap,
    SingleThreadCounter,
)


def increment_many(FastWriteCounter counter not None, long times):
    cdef long _index
    for _index in range(times):
        counter.c_increment()


def every_call(SingleThreadCounter counter not None):
    counter.c_increment()
    counter.c_add(2**70)
    stepped = counter.c_increment_and_get()
    added = counter.c_add_and_get(5)
    value = counter.c_value()
    return stepped, added, value, counter.c_reset(), counter.c_value()


def add(FastReadCounter counter not None, amount):
    counter.c_add(amount)


def make(initial):
    cdef FastReadCounter counter = FastReadCounter(initial)
    return counter


def increment_without_gil(SharedCounter counter not None, long times):
    cdef long _index
    with nogil:
        for _index in range(times):
            counter.c_increment()
            counter.c_add(2)


def every_shared_call(SharedCounter counter not None):
    with nogil:
        counter.c_increment()
        counter.c_add(5)
        stepped = counter.c_increment_and_get()
        added = counter.c_add_and_get(-10)
        value = counter.c_value()
        before = counter.c_reset()
    return stepped, added, value, before, counter.c_value()


def add_without_gil(SharedCounter counter not None, long long amount):
    with nogil:
        counter.c_add(amount)


def add_and_get_without_gil(SharedCounter counter not None, long long amount):
    with nogil:
        result = counter.c_add_and_get(amount)
    return result


def count_labels(CounterMap counts not None, labels):
    for label in labels:
        counts.c_increment(label)
        counts.c_add(label, 2)
    return [counts.c_value(label) for label in labels]


def count_shared_labels(SharedCounterMap counts not None, labels):
    for label in labels:
        counts.c_increment(label)
        counts.c_add(label, 2)
    return [counts.c_value(label) for label in labels]


cdef class ExtendedMap(CounterMap):
    cdef public object label


cdef class Extended(FastReadCounter):
    cdef long steps


cdef class Labelled(FastWriteCounter):
    cdef public object label


cdef class Placed(SharedCounter):
    cdef public object label


cdef class PlacedMap(SharedCounterMap):
    cdef public object label
