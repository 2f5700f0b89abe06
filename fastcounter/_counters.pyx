# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True, subinterpreters_compatible=own_gil
"""The compiled counters; import them from `fastcounter`."""

import copyreg
import os
import sys

from cpython.object cimport PyObject_GenericSetAttr

from fastcounter._integers cimport as_int


cdef extern from "_cell.h":
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
    bint cell_add_small_int(void **cell, object amount)
    int cell_add(void **cell, object amount) except -1
    object cell_increment_and_get(void **cell)
    object cell_add_and_get(void **cell, object amount)
    void cells_prepare(int processors)


cdef extern from "_descriptors.h":
    const Py_ssize_t CELL_OFFSET
    object value_attribute(object cls)
    bint is_own_value(object counter, object name)
    bint is_same_method(object method, object other)
    object method_of_type(object method, object cls)
    object init_of_type(object init, object cls)
    void make_immutable(object cls)


cdef extern from "_deferred.h":
    void make_collectable(object cls, Py_ssize_t offset_of_buffer)


cdef extern from "_module.h":
    int finish_module(object module) except -1


cdef int add_any(void **cell, object amount) except -1:
    return cell_add(cell, as_int(amount, "amount"))


cdef inline int add_to(void **cell, object amount) except -1:
    return 0 if cell_add_small_int(cell, amount) else add_any(cell, amount)


cdef class _Counter:
    """A counter whose count is an int of any size, in a cell of its own.

    The attribute `value` is made in _descriptors.h.
    """

    def __cinit__(self, *args, **kwargs):
        # Takes any arguments, so that the __init__ of a subclass may have any of its own.
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

        One atomic step.  With the GIL it costs as much as calling a compiled method that does nothing.
        """
        cell_increment(&self.cell)

    def add(self, amount, /):
        """Add an integer of any size and sign to the count and return None; `+=` and `-=` do the same.

        One atomic step, however large the amount.  Raises TypeError, with the count unchanged, if amount is
        not an integer.
        """
        add_to(&self.cell, amount)

    def __iadd__(self, amount):
        add_to(&self.cell, amount)
        return self

    def __isub__(self, amount):
        cell_add(&self.cell, -as_int(amount, "amount"))
        return self

    def reset(self, /):
        """Set the count to 0 and return what it was, an int.

        One atomic step: what is added by any thread is in the result of exactly one reset, or still in the
        count.
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
        cdef tuple args = ()
        cdef dict kwargs = {}
        cls = type(self)
        if hasattr(cls, "__getnewargs_ex__"):
            args, kwargs = self.__getnewargs_ex__()
        elif hasattr(cls, "__getnewargs__"):
            args = self.__getnewargs__()
        if args or kwargs:
            return _restore_with, (cls, args, kwargs, *self.get_state()), own_state(self)
        return _restore, (cls, *self.get_state()), own_state(self)

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


cdef class _NumberingCounter(_Counter):
    """A counter that can number what it counts: each addition may ask for the count that it has led to."""

    def increment_and_get(self, /):
        """Add 1 to the count and return the new count, an int.

        One atomic step: while nothing else is done to the count, no two calls return the same number.
        """
        return cell_increment_and_get(&self.cell)

    def add_and_get(self, amount, /):
        """Add an integer of any size and sign to the count and return the new count, an int.

        One atomic step.  Raises TypeError, with the count unchanged, if amount is not an integer.
        """
        return cell_add_and_get(&self.cell, as_int(amount, "amount"))

    cdef object c_increment_and_get(self):
        return cell_increment_and_get(&self.cell)

    cdef object c_add_and_get(self, object amount):
        return cell_add_and_get(&self.cell, as_int(amount, "amount"))


cdef class SingleThreadCounter(_NumberingCounter):
    """SingleThreadCounter(initial=0)
--

A counter for one thread.  Its count is the attribute `value`.

Under the GIL any number of threads may use it and every call is atomic.  On a free-threaded build that is so
for one thread only: several may use it at once safely, but additions, resets and assignments may be lost.

`initial` is the integer to count from; anything else raises TypeError.
"""


cdef class FastReadCounter(_NumberingCounter):
    """FastReadCounter(initial=0)
--

A counter for any number of threads.  Its count is the attribute `value`.

Every call is atomic and exact, with the GIL and without it.

`initial` is the integer to count from; anything else raises TypeError.
"""

    def __cinit__(self, *args, **kwargs):
        self.make_atomic()


cdef class FastWriteCounter(_Counter):
    """FastWriteCounter(initial=0)
--

A counter for any number of threads that mostly write.  Its count is read by the method `value()`.

No call loses or doubles anything, with the GIL and without it.  On a free-threaded build threads do not get in
each other's way as they add, and reading adds up what each of them has added.  There is no
`increment_and_get()`, which would have to read at every step: use FastReadCounter for that.

`initial` is the integer to count from; anything else raises TypeError.
"""

    def __cinit__(self, *args, **kwargs):
        self.make_striped()

    def value(self, /):
        """Return the count, an int.

        What was returned never changes.  Under the GIL it is the count at one moment.  On a free-threaded
        build, while threads only increment, it is at least the count when the call began and at most the
        count when it ended, and what one thread reads never goes back.
        """
        return cell_get(&self.cell)

    cdef int assign_value(self, object value) except -1:
        raise AttributeError(
            f"{type(self).__name__}.value is a method and cannot be assigned; use add() or reset()"
        )


# ---- Pickling and copying ----
#
# The names and arguments of these functions are part of every pickle, so they have to stay.

def _restore(cls, *state):
    """The counter that was pickled or copied so."""
    return restored(cls, (), {}, state)


def _restore_with(cls, args, kwargs, *state):
    """The same where cls.__new__ takes arguments."""
    return restored(cls, args, kwargs, state)


cdef object restored(object cls, tuple args, dict kwargs, tuple state):
    if not isinstance(cls, type) or not issubclass(cls, _Counter):
        raise TypeError(f"only a class of counters can be restored, not {cls!r}")
    counter = cls.__new__(cls, *args, **kwargs)
    if type(counter) is not cls:
        raise TypeError(f"{cls.__name__}.__new__ must return an instance of its class, not {counter!r}")
    if len(state) != len((<_Counter>counter).get_state()):
        raise TypeError(f"a {cls.__name__} cannot be restored from {len(state)} values")
    (<_Counter>counter).set_state(state)
    return counter


cdef object own_state(object counter):
    # The attributes that a subclass has added, in the form that copy and pickle put back by themselves.
    if hasattr(counter, "__getstate__"):  # object's own, from 3.11
        return counter.__getstate__()
    attributes = getattr(counter, "__dict__", None)
    slots = {
        name: getattr(counter, name)
        for name in copyreg._slotnames(type(counter))
        if hasattr(counter, name)
    }
    return (attributes, slots) if slots else attributes


# ---- Classes ----
#
# The interpreter calls a compiled method at full speed only where it belongs to the object's exact type, and an
# inherited one at half that.  So every class gets methods of its own, copies of ours: our classes by publish(), a
# user's as it is made.

cdef bint is_method(name, attribute, root):
    return (
        isinstance(attribute, METHOD_TYPE)
        and issubclass(attribute.__objclass__, root)
        and not name.startswith("_")
    )


cdef object own_attribute(list found):
    # What the class would inherit if only the original class had the method.  A copy is skipped where the original
    # comes later in the method resolution order: a mixin in between may override the method.
    for index, attribute in enumerate(found):
        for other in found[index + 1:]:
            if is_same_method(attribute, other):
                break
        else:
            return attribute


cdef int give_own_methods(cls, root) except -1:
    # Not vars(): Cython keeps one interpreter's builtin functions for all of them.
    names = {
        name
        for base in cls.__mro__
        for name, attribute in base.__dict__.items()
        if is_method(name, attribute, root)
    }
    for name in names:
        found = [base.__dict__[name] for base in cls.__mro__ if name in base.__dict__]
        attribute = own_attribute(found)
        if is_method(name, attribute, root):
            attribute = method_of_type(attribute, cls)
        elif attribute is found[0]:
            continue
        type.__setattr__(cls, name, attribute)
    return 0


cdef int init_subclass(root, cls, dict kwargs) except -1:
    super(root, cls).__init_subclass__(**kwargs)
    give_own_methods(cls, root)
    return 0


def _init_subclass(cls, **kwargs):
    init_subclass(_Counter, cls, kwargs)


cdef int publish(root, tuple classes, str module) except -1:
    # Make compiled classes, of which the root is the first or their base, ready for users.
    for cls in classes:
        give_own_methods(cls, root)
        cls.__module__ = module  # where it is exported
        cls.__name__ = cls.__name__  # so that messages name it without our module
        make_immutable(cls)
    return 0


cdef int check_layout(_Counter counter) except -1:
    if <char *>&counter.cell - <char *><void *>counter != CELL_OFFSET:
        raise SystemError("a counter's cell is not where _descriptors.h expects it")
    return 0


METHOD_TYPE = type(_Counter.increment)
cells_prepare(os.cpu_count() or 1)
for _cls in (_Counter, _NumberingCounter, SingleThreadCounter, FastReadCounter, FastWriteCounter):
    make_collectable(_cls, 0)
check_layout(_Counter())

_Counter.__init_subclass__ = classmethod(_init_subclass)
_Counter.value = value_attribute(_Counter)
for _cls in (SingleThreadCounter, FastReadCounter, FastWriteCounter):
    _cls.__init__ = init_of_type(_Counter.__init__, _cls)
del _cls
publish(
    _Counter,
    (_Counter, _NumberingCounter, SingleThreadCounter, FastReadCounter, FastWriteCounter),
    "fastcounter",
)
_restore.__module__ = _restore_with.__module__ = "fastcounter"
finish_module(sys.modules[__name__])
