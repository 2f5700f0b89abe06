# cython: language_level=3, freethreading_compatible=True
"""A user's Cython module: counters called from C."""

from fastcounter cimport FastReadCounter, FastWriteCounter, SingleThreadCounter


def increment_many(FastWriteCounter counter, long times):
    cdef long _index
    for _index in range(times):
        counter.c_increment()


def every_call(SingleThreadCounter counter):
    counter.c_increment()
    counter.c_add(2**70)
    stepped = counter.c_increment_and_get()
    added = counter.c_add_and_get(5)
    value = counter.c_value()
    return stepped, added, value, counter.c_reset(), counter.c_value()


def add(FastReadCounter counter, amount):
    counter.c_add(amount)


def make(initial):
    cdef FastReadCounter counter = FastReadCounter(initial)
    return counter
