"""The counters' C-level calls; cimport the classes from `fastcounter`.

Call these with the GIL held, or on a free-threaded build with an attached thread state.  They are atomic just
as the Python methods are.  An `int` method returns -1, and an `object` method NULL, with an exception set:
MemoryError, or TypeError where an amount is not an integer; the count is then as it was.  A Python subclass's
overrides are not called.
"""

cdef class _Counter:
    cdef void *cell
    cdef object __weakref__

    cdef int c_increment(self) except -1
    cdef int c_add(self, object amount) except -1
    cdef object c_value(self)
    cdef object c_reset(self)


cdef class _OneCellCounter(_Counter):
    cdef object c_increment_and_get(self)
    cdef object c_add_and_get(self, object amount)


cdef class SingleThreadCounter(_OneCellCounter):
    pass


cdef class FastReadCounter(_OneCellCounter):
    pass


cdef class FastWriteCounter(_Counter):
    pass
