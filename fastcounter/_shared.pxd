"""The calls of SharedCounter from C; cimport it from `fastcounter`.

None of them needs the GIL or a thread state.  They are as atomic as the Python methods.  Where a call fails, the count
stays unchanged.  If the caller does not hold the GIL, a call that fails takes the main interpreter's GIL to raise.  So
in any other interpreter, hold the GIL around a call that may fail.  A successful call that returns the number -1 takes
that GIL too, because the caller's code then looks for an exception.  They ignore methods that a Python subclass
overrides.  Declare parameters `not None`: Cython accepts None for any class, and a call on None crashes.

Each raises RuntimeError if __init__ was never called.
"""

from libc.stdint cimport int64_t, uint8_t


cdef class SharedCounter:
    # Ours.  `place` is the address of the count, NULL until a call of __init__ succeeds, and then constant.  Without
    # the GIL it is published by a release store after `buffer`, and loaded by acquire, so whoever sees it sees `buffer`
    # too.
    cdef int64_t *place
    cdef int64_t attaching  # 1 while __init__ runs and after it has succeeded; so a second call fails
    # The counter holds the buffer as long as it lives, so `place` always points to memory.  With the GIL the garbage
    # collector does not see this reference; numpy's arrays do the same.
    cdef Py_buffer buffer
    cdef uint8_t deferred  # whether reference counting is deferred; see deferred.h
    cdef object __weakref__

    # Add 1.  Returns 0, or -1 with OverflowError if the count is 2**63 - 1.
    cdef int c_increment(self) except -1 nogil

    # Add an integer.  Returns 0, or -1 with OverflowError if the new count does not fit 64 bits.
    cdef int c_add(self, int64_t amount) except -1 nogil

    # The same two.  They return the new count.
    cdef int64_t c_increment_and_get(self) except? -1 nogil
    cdef int64_t c_add_and_get(self, int64_t amount) except? -1 nogil

    # Returns the count.
    cdef int64_t c_value(self) except? -1 nogil

    # Set the count to 0 and return the previous count.
    cdef int64_t c_reset(self) except? -1 nogil
