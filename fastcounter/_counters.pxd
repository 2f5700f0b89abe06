"""The counters' C-level calls; cimport the classes from `fastcounter`.

Call these with the GIL held, or on a free-threaded build with an attached thread state.  They are atomic just
as the Python methods are.  An `int` method returns -1, and an `object` method NULL, with an exception set:
MemoryError, or TypeError where a count or amount is not an integer; the count is then as it was.  A Python
subclass's overrides are not called.  Declare parameters `not None`: Cython lets None be any class, and a call on
None crashes.
"""

cdef class _Counter:
    cdef void *cell  # see _cell.h
    cdef object __weakref__

    cdef int c_increment(self) except -1
    cdef int c_add(self, object amount) except -1
    cdef object c_value(self)
    cdef object c_exchange(self, object count)  # sets the count, returns the one before
    cdef object c_reset(self)

    cdef void make_atomic(self)  # these two in __cinit__, see _cell.h
    cdef void make_striped(self)
    cdef int assign_value(self, object value) except -1
    cdef tuple get_state(self)
    cdef int set_state(self, tuple state) except -1


cdef class _NumberingCounter(_Counter):
    cdef object c_increment_and_get(self)
    cdef object c_add_and_get(self, object amount)


# Each class has a field of its own, so that no class can have two of them as bases: Python sees that their layouts
# are not the same.  It costs no memory, which is given out by 16 bytes.

cdef class SingleThreadCounter(_NumberingCounter):
    cdef void *own_layout


cdef class FastReadCounter(_NumberingCounter):
    cdef void *own_layout


cdef class FastWriteCounter(_Counter):
    cdef void *own_layout


cdef int init_subclass(root, cls, dict kwargs) except -1
cdef int publish(root, tuple classes, str module) except -1
