# cython: language_level=3, freethreading_compatible=True
"""Increments called from C, in a loop that holds no reference count and runs no Python code."""

from fastcounter._counters cimport _Counter


def increment(_Counter counter, long times):
    cdef long _index
    for _index in range(times):
        counter.c_increment()
