"""The C-level calls of SharedCounterMap; cimport it from `fastcounter`.

Call these with the GIL held, or on a free-threaded build with an attached thread state.  They are as atomic as the
Python methods, raise what those raise, and ignore methods that a Python subclass overrides.  A call that raises leaves
the counts unchanged.  Declare parameters `not None`: Cython accepts None for any class, and a call on None crashes.
"""

from libc.stdint cimport int64_t, uint8_t


cdef class SharedCounterMap:
    cdef int64_t map[16]  # see c/shared_map.h
    cdef int64_t attaching  # 1 while __init__ runs and after it has succeeded; so a second call fails
    cdef int64_t watches  # 1 until it has warned that the path of its file leads to another file by now
    # The map holds the buffer as long as it lives, so its memory stays.  With the GIL the garbage collector does not
    # see this reference; numpy's arrays do the same.
    cdef Py_buffer buffer
    cdef uint8_t deferred  # whether reference counting is deferred; see deferred.h
    cdef object __weakref__

    # Add 1, or an amount, to the count of a label.  Returns 0.
    cdef int c_increment(self, object label) except -1
    cdef int c_add(self, object label, int64_t amount) except -1
    # Returns the count of a label, an int, which is 0 if there is no such label.
    cdef object c_value(self, object label)

    cdef int start_attaching(self) except -1
    cdef int finish_attaching(self) except -1
    cdef int attach(self, object memory, Py_ssize_t begin) except -1
    cdef int prepare_to_read_all(self) except -1
    cdef int look_at_file(self) except -1
    cdef list labels(self)
    cdef dict counts(self)
