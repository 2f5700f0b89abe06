"""The counters' C-level calls; cimport the classes from `fastcounter`.

Call these with the GIL held, or on a free-threaded build with an attached thread state.  They are as atomic as the
Python methods.  A call that fails raises MemoryError, or TypeError if a count or an amount is not an integer, and the
count stays unchanged.  These calls ignore methods that a Python subclass overrides.  Declare parameters `not None`:
Cython accepts None for any class, and a call on None crashes.
"""

cdef class _Counter:
    cdef void *cell  # see counter.h
    cdef object __weakref__

    cdef int c_increment(self) except -1
    cdef int c_add(self, object amount) except -1
    cdef object c_value(self)
    cdef object c_exchange(self, object count)  # sets the count and returns the previous count
    cdef object c_reset(self)

    cdef void make_atomic(self)  # __cinit__ calls one of these two, or neither; see cell.h
    cdef void make_striped(self)
    cdef int assign_value(self, object value) except -1
    cdef tuple get_state(self)
    cdef int set_state(self, tuple state) except -1


cdef class _ReturningCounter(_Counter):
    # Without the GIL, calls of these two that raise MemoryError may have added.
    cdef object c_increment_and_get(self)
    cdef object c_add_and_get(self, object amount)


# Each class has a field of its own.  So Python sees that the layouts of two of them conflict, and refuses a class that
# has both as bases.  The field costs no memory: CPython rounds sizes up to 16 bytes.

cdef class SingleThreadCounter(_ReturningCounter):
    cdef void *own_layout


cdef class FastReadCounter(_ReturningCounter):
    cdef void *own_layout


cdef class FastWriteCounter(_Counter):
    cdef void *own_layout


# Ours, for the other modules of the package.

cdef int complete_module(str name, root, tuple classes, tuple functions, bint frees) except -1
cdef int add_value(tuple classes) except -1
cdef object new_instance(root, cls, tuple args, dict kwargs)
cdef tuple arguments_of_new(object counter)
cdef object attributes_of(object counter)
