# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True, subinterpreters_compatible=own_gil
"""The compiled counters; import them from `fastcounter`."""

import copyreg
import os
import sys

from cpython.object cimport PyObject_GenericSetAttr

from fastcounter.c.cell cimport (
    CELL_ATOMIC,
    CELL_STRIPED,
    cell_add,
    cell_add_and_get,
    cell_exchange,
    cell_get,
    cell_increment_and_get,
    cell_reset,
    cell_step,
    cell_try_add,
    cells_prepare,
)
from fastcounter.c.counter cimport (
    CELL_OFFSET,
    cell_of,
    complete_counter_type,
    counter_clear,
    counter_init,
    counter_set_kind,
)
from fastcounter.c.cython_workarounds cimport drop_reference, let_import_again
from fastcounter.c.descriptors cimport (
    add_attribute,
    init_of_type,
    is_method,
    is_method_for_type,
    is_own_value,
    is_same_method,
    is_subclass,
    method_of_type,
    remove_attribute,
    set_value_method,
    value_attribute,
)
from fastcounter.c.integers cimport as_int
from fastcounter.c.types cimport is_immutable, make_immutable


cdef int add_any(_Counter counter, object amount) except -1:
    cell_add(cell_of(counter), as_int(amount, "amount"), NULL)
    return 0


cdef inline int add_to(_Counter counter, object amount) except -1:
    return 0 if cell_try_add(cell_of(counter), amount) else add_any(counter, amount)


cdef class _Counter:
    """The base class of all counters but SharedCounter and the maps.  The count is an int of any size, in a cell.

    descriptors.h makes the attribute `value` of the classes that have one.
    """

    def __cinit__(self, *args, **kwargs):
        # A subclass may give its __init__ any arguments, and Python hands them to this method too.
        counter_init(self)

    cdef void make_atomic(self):
        counter_set_kind(self, CELL_ATOMIC)

    cdef void make_striped(self):
        counter_set_kind(self, CELL_STRIPED)

    def __init__(self, initial=0):
        cell_exchange(cell_of(self), as_int(initial, "initial"))

    def __dealloc__(self):
        counter_clear(self)

    def increment(self, /):
        """Add 1 to the count and return None.

        This is one atomic step.  With the GIL it takes about as long as calling a compiled method that does nothing.
        """
        cell_step(cell_of(self), 1, NULL)

    def decrement(self, /):
        """Subtract 1 from the count and return None.

        This is one atomic step, which takes as long as `increment()`.
        """
        cell_step(cell_of(self), -1, NULL)

    def add(self, amount, /):
        """Add an integer of any size and sign to the count and return None.

        `c += amount` does the same, and `c -= amount` subtracts.

        This is one atomic step, however large the amount.  If the amount is not an integer, TypeError is raised and the
        count stays unchanged.
        """
        add_to(self, amount)

    def __iadd__(self, amount):
        add_to(self, amount)
        return self

    def __isub__(self, amount):
        cell_add(cell_of(self), -as_int(amount, "amount"), NULL)
        return self

    def reset(self, /):
        """Set the count to 0 and return the previous count, an int.

        This is one atomic step.  Whatever any thread adds is in the result of exactly one reset, or still in the count.
        """
        return cell_reset(cell_of(self))

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
        cell_exchange(cell_of(self), as_int(value, "value"))
        return 0

    def __int__(self):
        return cell_get(cell_of(self))

    def __repr__(self):
        return f"{type(self).__name__}({cell_get(cell_of(self))})"

    def __reduce__(self):
        return reduce(self)

    cdef tuple get_state(self):
        return (cell_get(cell_of(self)),)

    cdef int set_state(self, tuple state) except -1:
        cell_exchange(cell_of(self), as_int(state[0], "count"))
        return 0

    cdef int c_increment(self) except -1:
        cell_step(cell_of(self), 1, NULL)
        return 0

    cdef int c_add(self, object amount) except -1:
        return add_to(self, amount)

    cdef object c_value(self):
        return cell_get(cell_of(self))

    cdef object c_exchange(self, object count):
        return cell_exchange(cell_of(self), as_int(count, "count"))

    cdef object c_reset(self):
        return cell_reset(cell_of(self))


cdef class _ReturningCounter(_Counter):
    """A counter with additions that return the new count."""

    def increment_and_get(self, /):
        """Add 1 to the count and return the new count, an int.

        This is one atomic step.  As long as the count is only incremented, no two calls return the same number.
        Without the GIL, a call that raises MemoryError may have incremented the count.
        """
        return cell_increment_and_get(cell_of(self))

    def add_and_get(self, amount, /):
        """Add an integer of any size and sign to the count and return the new count, an int.

        This is one atomic step.  If the amount is not an integer, TypeError is raised and the count stays unchanged.
        Without the GIL, a call that raises MemoryError may have added the amount.
        """
        return cell_add_and_get(cell_of(self), as_int(amount, "amount"))

    cdef object c_increment_and_get(self):
        return cell_increment_and_get(cell_of(self))

    cdef object c_add_and_get(self, object amount):
        return cell_add_and_get(cell_of(self), as_int(amount, "amount"))


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
        return cell_get(cell_of(self))

    cdef int assign_value(self, object value) except -1:
        raise AttributeError(
            f"{type(self).__name__}.value is a method and cannot be assigned; use add() or reset()"
        )


include "_pickling.pxi"
include "_specialize.pxi"


cdef int add_value(tuple classes) except -1:
    # Each class has its own: tools that document a class leave out what it inherits.
    for cls in classes:
        cls.value = value_attribute(cls)
    return 0


cdef int check_layout(_Counter counter) except -1:
    if <char *>&counter.cell - <char *><void *>counter != CELL_OFFSET:
        raise SystemError("the cell of a counter is not where counter.h expects it")
    return 0


_public = (SingleThreadCounter, FastReadCounter, FastWriteCounter)

cells_prepare(os.cpu_count() or 1)
for _cls in (_Counter, _ReturningCounter, *_public):
    complete_counter_type(_cls)
check_layout(_Counter())
add_value((_ReturningCounter, SingleThreadCounter, FastReadCounter))
set_value_method(FastWriteCounter.value)
for _cls in _public:
    _cls.__init__ = init_of_type(_Counter.__init__, _cls)
complete_module(__name__, _Counter, (_Counter, _ReturningCounter, *_public), (_restore, _restore_with), True)
del _cls, _public
