"""The calls of SharedCounterMap from C; cimport it from `fastcounter`.

Call them with the GIL held, or on a free-threaded build with an attached thread state.  They are as atomic as the
Python methods.  Where a call fails, nothing is counted.  They ignore methods that a Python subclass overrides.  Declare
parameters `not None`: Cython accepts None for any class, and a call on None crashes.

Each raises RuntimeError if __init__ was never called, MemoryError, ValueError if it finds damage in the memory, and
TypeError if the label is not hashable.
"""

from libc.stdint cimport int64_t, uint8_t


cdef class SharedCounterMap:
    # Ours.
    cdef int64_t map[16]  # see shared_map.h
    cdef int64_t attaching  # 1 while __init__ runs and after it has succeeded; so a second call fails
    cdef int64_t watches  # 1 until it has warned that the path of its file leads to another file by now
    # The map holds the buffer as long as it lives, so its memory stays.  With the GIL the garbage collector does not
    # see this reference; numpy's arrays do the same.
    cdef Py_buffer buffer
    cdef uint8_t deferred  # whether reference counting is deferred; see deferred.h
    cdef object __weakref__

    # Add 1 to the count of a label.  Returns 0, or -1 with an exception: TypeError if an object like that cannot be a
    # label, ValueError if there is no room for it, and OverflowError if the count is too large.
    cdef int c_increment(self, object label) except -1

    # Add an integer.  Returns 0, or -1 with one of the same exceptions.
    cdef int c_add(self, object label, int64_t amount) except -1

    # Returns the count of a label, an int, which is 0 for a label that is not there.
    cdef object c_value(self, object label)

    # Ours, too.
    cdef int start_attaching(self) except -1
    cdef int finish_attaching(self) except -1
    cdef int attach(self, object memory, Py_ssize_t begin) except -1
    cdef int prepare_to_read_all(self) except -1
    cdef int look_at_file(self) except -1
    cdef list labels(self)
    cdef dict counts(self)
