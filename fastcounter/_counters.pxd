"""The counters' calls from C; cimport the classes from `fastcounter`.

Call them with the GIL held, or on a free-threaded build with an attached thread state.  They are as atomic as the
Python methods.  Where a call fails, the count stays unchanged, unless its comment says more.  They ignore methods that
a Python subclass overrides.  Declare parameters `not None`: Cython accepts None for any class, and a call on None
crashes.
"""

cdef class _Counter:
    # Ours.
    cdef void *cell  # see counter.h
    cdef object __weakref__

    # Add 1.  Returns 0, or -1 with MemoryError.
    cdef int c_increment(self) except -1

    # Add an integer of any size and sign.  Returns 0, or -1 with TypeError if it is no integer, or MemoryError.
    cdef int c_add(self, object amount) except -1

    # Returns the count, an int, or raises MemoryError.
    cdef object c_value(self)

    # Set the count and return the previous count.  Raises TypeError if `count` is no integer, or MemoryError.
    cdef object c_exchange(self, object count)

    # Set the count to 0 and return the previous count, an int.  Raises MemoryError.
    cdef object c_reset(self)

    # Ours.  __cinit__ calls one of the first two, or neither; see cell.h.
    cdef void make_atomic(self)
    cdef void make_striped(self)
    cdef int assign_value(self, object value) except -1
    cdef tuple get_state(self)
    cdef int set_state(self, tuple state) except -1


cdef class _ReturningCounter(_Counter):
    # Add 1 and return the new count, an int.  Raises MemoryError; without the GIL it may have added then.
    cdef object c_increment_and_get(self)

    # Add an integer of any size and sign, and return the new count, an int.  Raises TypeError if it is no integer, or
    # MemoryError; without the GIL it may have added then.
    cdef object c_add_and_get(self, object amount)


# Ours: each class has a field of its own.  So Python sees that the layouts of two of them conflict, and refuses a class
# that has both as bases.  The field costs no memory: CPython rounds sizes up to 16 bytes.

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
