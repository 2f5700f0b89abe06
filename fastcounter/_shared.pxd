"""The C-level calls of SharedCounter; cimport it from `fastcounter`.

None of them needs the GIL or a thread state.  They are atomic just as the Python methods are.  A call that fails
raises OverflowError, or RuntimeError on a counter whose __init__ was never called, with the count as it was.  Without
the GIL it takes the main interpreter's to do so: in any other interpreter hold the GIL where a call may fail.  Declare
parameters `not None`: a call on None crashes.
"""

from libc.stdint cimport int64_t


cdef class SharedCounter:
    cdef int64_t *place     # in the buffer; NULL until __init__ is done, and then never changed
    cdef int64_t attaching  # 1 from the moment that some __init__ has begun
    # Held as long as the counter lives, so that `place` is always memory.  With the GIL the garbage collector does not
    # know of it, as with numpy's arrays.
    cdef Py_buffer buffer
    cdef int deferred  # whether reference counting is deferred, see _deferred.h
    cdef object __weakref__

    cdef int c_increment(self) except -1 nogil
    cdef int c_add(self, int64_t amount) except -1 nogil
    cdef int64_t c_increment_and_get(self) except? -1 nogil
    cdef int64_t c_add_and_get(self, int64_t amount) except? -1 nogil
    cdef int64_t c_value(self) except? -1 nogil
    cdef int64_t c_reset(self) except? -1 nogil
