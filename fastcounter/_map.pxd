"""The calls of CounterMap from C; cimport it from `fastcounter`.

Call them with the GIL held, or on a free-threaded build with an attached thread state.  They are as atomic as the
Python methods.  Where a call fails, nothing is counted and no label is added.  They ignore methods that a Python
subclass overrides.  Declare parameters `not None`: Cython accepts None for any class, and a call on None crashes.

Each raises TypeError if the label is not hashable, MemoryError, and what the label's `__hash__` or `__eq__` raises.
"""

cdef class CounterMap:
    # Ours.
    cdef void *map[6]  # see map.h
    cdef object __weakref__

    # Add 1 to the count of a label.  Returns 0, or -1 with an exception.
    cdef int c_increment(self, object label) except -1

    # Add an integer of any size and sign.  Returns 0, or -1 with an exception, TypeError also if it is no integer.
    cdef int c_add(self, object label, object amount) except -1

    # Returns the count of a label, an int, which is 0 for a label that is not there.
    cdef object c_value(self, object label)

    # Ours.
    cdef list labels(self)
    cdef dict counts(self)
    cdef int add_counts(self, dict counts) except -1


# Ours, for the other modules of the package.

cdef bint counts_equal(dict counts, other) except -1
cdef list largest_counts(dict counts, n)
cdef object iterate(labels, counter)
