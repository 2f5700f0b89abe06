# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True, subinterpreters_compatible=own_gil
"""The compiled counters; import them from `fastcounter`."""

import copyreg
import os
import sys

from cpython.object cimport PyObject_GenericSetAttr

from fastcounter.c.integers cimport as_int


cdef extern from "c/cell.h":
    enum cell_kind:
        CELL_ATOMIC
        CELL_STRIPED

    int cell_init(void **cell) except -1
    void cell_set_kind(void **cell, cell_kind kind)
    void cell_free(void **cell)
    object cell_get(void **cell)
    object cell_exchange(void **cell, object count)
    object cell_reset(void **cell)
    int cell_increment(void **cell) except -1
    bint cell_try_add(void **cell, object amount)
    int cell_add(void **cell, object amount) except -1
    object cell_increment_and_get(void **cell)
    object cell_add_and_get(void **cell, object amount)
    void cells_prepare(int processors)


cdef extern from "c/types.h":
    void replace_dealloc(object cls)


cdef extern from "c/descriptors.h":
    const Py_ssize_t CELL_OFFSET
    object value_attribute(object cls)
    bint is_value_attribute(object attribute)
    void set_value_method(object method)
    bint is_own_value(object counter, object name)
    bint is_subclass(object cls, object root)
    bint is_method_for_type(object method, object cls, object root)
    bint is_same_method(object method, object other)
    bint is_assigned_method(object method, object cls)
    object method_of_type(object method, object cls)
    int set_type_attribute(object cls, object name, object attribute) except -1
    object init_of_type(object init, object cls)
    bint is_immutable(object cls)
    void make_immutable(object cls)


cdef extern from "c/deferred.h":
    void make_collectable(object cls, Py_ssize_t offset_of_buffer)


cdef extern from "c/cython_workarounds.h":
    int finish_module(object module) except -1


cdef int add_any(void **cell, object amount) except -1:
    return cell_add(cell, as_int(amount, "amount"))


cdef inline int add_to(void **cell, object amount) except -1:
    return 0 if cell_try_add(cell, amount) else add_any(cell, amount)


cdef class _Counter:
    """The base class of all counters but SharedCounter.  The count is an int of any size, in a cell.

    descriptors.h makes the attribute `value`.
    """

    def __cinit__(self, *args, **kwargs):
        # A subclass may give its __init__ any arguments, and Python hands them to this method too.
        cell_init(&self.cell)

    cdef void make_atomic(self):
        cell_set_kind(&self.cell, CELL_ATOMIC)

    cdef void make_striped(self):
        cell_set_kind(&self.cell, CELL_STRIPED)

    def __init__(self, initial=0):
        cell_exchange(&self.cell, as_int(initial, "initial"))

    def __dealloc__(self):
        cell_free(&self.cell)

    def increment(self, /):
        """Add 1 to the count and return None.

        This is one atomic step.  With the GIL it takes about as long as calling a compiled method that does nothing.
        """
        cell_increment(&self.cell)

    def add(self, amount, /):
        """Add an integer of any size and sign to the count and return None.

        `c += amount` does the same, and `c -= amount` subtracts.

        This is one atomic step, however large the amount.  If the amount is not an integer, TypeError is raised and the
        count stays unchanged.
        """
        add_to(&self.cell, amount)

    def __iadd__(self, amount):
        add_to(&self.cell, amount)
        return self

    def __isub__(self, amount):
        cell_add(&self.cell, -as_int(amount, "amount"))
        return self

    def reset(self, /):
        """Set the count to 0 and return the previous count, an int.

        This is one atomic step.  Whatever any thread adds is in the result of exactly one reset, or still in the count.
        """
        return cell_reset(&self.cell)

    def __setattr__(self, name, value):
        if is_own_value(self, name):
            self.assign_value(value)
        else:
            PyObject_GenericSetAttr(self, name, value)

    def __delattr__(self, name):
        if is_own_value(self, name):
            raise AttributeError(f"{type(self).__name__}.value cannot be deleted")
        PyObject_GenericSetAttr(self, name, <object>NULL)

    cdef int assign_value(self, object value) except -1:
        cell_exchange(&self.cell, as_int(value, "value"))
        return 0

    def __int__(self):
        return cell_get(&self.cell)

    def __repr__(self):
        return f"{type(self).__name__}({cell_get(&self.cell)})"

    def __reduce__(self):
        return reduce(self)

    cdef tuple get_state(self):
        return (cell_get(&self.cell),)

    cdef int set_state(self, tuple state) except -1:
        cell_exchange(&self.cell, as_int(state[0], "count"))
        return 0

    cdef int c_increment(self) except -1:
        return cell_increment(&self.cell)

    cdef int c_add(self, object amount) except -1:
        return add_to(&self.cell, amount)

    cdef object c_value(self):
        return cell_get(&self.cell)

    cdef object c_exchange(self, object count):
        return cell_exchange(&self.cell, as_int(count, "count"))

    cdef object c_reset(self):
        return cell_reset(&self.cell)


cdef class _ReturningCounter(_Counter):
    """A counter with additions that return the new count."""

    def increment_and_get(self, /):
        """Add 1 to the count and return the new count, an int.

        This is one atomic step.  As long as the count is only incremented, no two calls return the same number.
        Without the GIL, a call that raises MemoryError may have incremented the count.
        """
        return cell_increment_and_get(&self.cell)

    def add_and_get(self, amount, /):
        """Add an integer of any size and sign to the count and return the new count, an int.

        This is one atomic step.  If the amount is not an integer, TypeError is raised and the count stays unchanged.
        Without the GIL, a call that raises MemoryError may have added the amount.
        """
        return cell_add_and_get(&self.cell, as_int(amount, "amount"))

    cdef object c_increment_and_get(self):
        return cell_increment_and_get(&self.cell)

    cdef object c_add_and_get(self, object amount):
        return cell_add_and_get(&self.cell, as_int(amount, "amount"))


cdef class SingleThreadCounter(_ReturningCounter):
    """SingleThreadCounter(initial=0)
--

A counter for one thread.  Its count is the attribute `value`.

With the GIL any number of threads may use it, and each call is atomic.  On a free-threaded build, use it from one
thread only: if several threads use it at once, nothing breaks, but additions, resets and assignments may be lost.

`initial` is the integer to count from.  Anything else raises TypeError.
"""


cdef class FastReadCounter(_ReturningCounter):
    """FastReadCounter(initial=0)
--

A counter for any number of threads that often read.  Its count is the attribute `value`.

Each call is atomic and exact, with and without the GIL.

`initial` is the integer to count from.  Anything else raises TypeError.
"""

    def __cinit__(self, *args, **kwargs):
        self.make_atomic()


cdef class FastWriteCounter(_Counter):
    """FastWriteCounter(initial=0)
--

A counter for any number of threads that seldom read.  The method `value()` returns its count.

Each call is exact, with and without the GIL.  On a free-threaded build the threads add to different parts of the count,
so they rarely slow each other down, and a read adds up the parts.  It has no `increment_and_get()`, because that would
read at each call.  Use a FastReadCounter for that.

`initial` is the integer to count from.  Anything else raises TypeError.
"""

    def __cinit__(self, *args, **kwargs):
        self.make_striped()

    def value(self, /):
        """Return the count, an int.

        With the GIL this is one atomic step.  On a free-threaded build, the result counts every increment that happened
        before the call: those of the calling thread, and those that another thread made before it released a lock, set
        an event, put an item into a queue or ended, if the calling thread has since acquired that lock, seen that
        event, taken that item or joined that thread.  It counts no increment before it is made.  While threads only
        increment, the counts that one thread reads never decrease.  There is no single order over several counters: use
        a FastReadCounter for that.
        """
        return cell_get(&self.cell)

    cdef int assign_value(self, object value) except -1:
        raise AttributeError(
            f"{type(self).__name__}.value is a method and cannot be assigned; use add() or reset()"
        )


include "_pickling.pxi"
include "_specialize.pxi"


def _init_subclass(cls, **kwargs):
    init_subclass(_Counter, cls, kwargs)


cdef int check_layout(_Counter counter) except -1:
    if <char *>&counter.cell - <char *><void *>counter != CELL_OFFSET:
        raise SystemError("the cell of a counter is not where cell.h expects it")
    return 0


_public = (SingleThreadCounter, FastReadCounter, FastWriteCounter)
_all = (_Counter, _ReturningCounter, *_public)

cells_prepare(os.cpu_count() or 1)
for _cls in _all:
    replace_dealloc(_cls)
    make_collectable(_cls, 0)
check_layout(_Counter())
_Counter.__init_subclass__ = classmethod(_init_subclass)
_Counter.value = value_attribute(_Counter)
set_value_method(FastWriteCounter.value)
for _cls in _public:
    _cls.__init__ = init_of_type(_Counter.__init__, _cls)
complete_classes(_Counter, _all, "fastcounter")
_restore.__module__ = _restore_with.__module__ = "fastcounter"
del _all, _cls, _public
finish_module(sys.modules[__name__])
