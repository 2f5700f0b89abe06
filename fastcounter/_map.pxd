"""The C-level calls of CounterMap; cimport it from `fastcounter`.

Call these with the GIL held, or on a free-threaded build with an attached thread state.  They are as atomic as the
Python methods, raise what those raise, and ignore methods that a Python subclass overrides.  Declare parameters
`not None`: Cython accepts None for any class, and a call on None crashes.
"""

cdef class CounterMap:
    cdef void *map[6]  # see map.h
    cdef object __weakref__

    cdef int c_increment(self, object label) except -1
    cdef int c_add(self, object label, object amount) except -1
    cdef object c_value(self, object label)

    cdef list labels(self)
    cdef dict counts(self)
    cdef int add_counts(self, dict counts) except -1
