# cython: language_level=3, binding=False, freethreading_compatible=True
"""Increments called from C, in a loop that holds no reference count and runs no Python code."""

from fastcounter cimport FastReadCounter, FastWriteCounter, SharedCounter, SingleThreadCounter

ctypedef fused AnyCounter:
    SingleThreadCounter
    FastReadCounter
    FastWriteCounter
    SharedCounter


def increment(AnyCounter counter, long times):
    """Increment `times` times, a SharedCounter without the GIL."""
    cdef long _index
    if AnyCounter is SharedCounter:
        with nogil:
            for _index in range(times):
                counter.c_increment()
    else:
        for _index in range(times):
            counter.c_increment()
