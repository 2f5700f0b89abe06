# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True
"""The compiled counters.  Import them from `fastcounter`."""

import copyreg
import os

from cpython.object cimport PyObject_GenericSetAttr, PyTypeObject


cdef extern from "Python.h":
    bint PyIndex_Check(object number)
    bint PyLong_CheckExact(object number)
    object PyNumber_Index(object number)


cdef extern from "_internals.h":
    enum cell_kind:
        CELL_OF_ONE_THREAD
        CELL_READ_OFTEN
        CELL_WRITTEN_OFTEN

    void set_stripes_for(int processors)
    int cell_init(void **cell, cell_kind kind) except -1
    void cell_free(void **cell)
    object cell_get(void **cell)
    object cell_exchange(void **cell, object count)
    int cell_increment(void **cell) except -1
    int cell_add(void **cell, object amount) except -1
    object cell_increment_and_get(void **cell)
    object cell_add_and_get(void **cell, object amount)

    bint is_same_method(object method, object other)
    object method_of_type(object method, PyTypeObject *type)
    int set_type_attribute(PyTypeObject *type, object name, object value) except -1
    object cell_as_attribute(PyTypeObject *type, Py_ssize_t offset, object getter)


cdef inline object as_int(object number, str name):
    # Always before a cell is touched: __index__ may be Python code, and may use the same counter.
    if PyLong_CheckExact(number):
        return number
    if not PyIndex_Check(number):
        raise TypeError(f"{name} must be an integer, not {type(number).__name__}")
    return PyNumber_Index(number)


cdef bint has_own_value(object counter):
    # Whether `value` is what its class below makes it, and not an attribute that a subclass has put there.
    value = type(counter).value
    return value is VALUE_ATTRIBUTE or is_same_method(value, FastWriteCounter.value)


cdef class _Counter:
    """What all counters have in common."""

    # Owned by this object alone; _internals.h says what it points to and why threads may share it.
    cdef void *cell
    cdef object __weakref__

    def __cinit__(self):
        # Takes no arguments, so that the __init__ of a subclass may have any of its own.
        if isinstance(self, FastWriteCounter):
            cell_init(&self.cell, CELL_WRITTEN_OFTEN)
        elif isinstance(self, SingleThreadCounter):
            cell_init(&self.cell, CELL_OF_ONE_THREAD)
        else:
            cell_init(&self.cell, CELL_READ_OFTEN)

    def __init__(self, initial=0):
        cell_exchange(&self.cell, as_int(initial, "initial"))

    def __dealloc__(self):
        cell_free(&self.cell)

    def increment(self, /):
        """Add 1 to the count and return None.

        Atomic: whatever other threads do, this 1 is counted once.
        Costs as much as calling a compiled method that does nothing.
        """
        cell_increment(&self.cell)

    def add(self, amount, /):
        """Add an integer of any size and sign to the count and return None; `+=` and `-=` do the same.

        Atomic: whatever other threads do, the amount is counted once and whole.  One addition, however
        large the amount.  Raises TypeError, with the count unchanged, if amount is not an integer.
        """
        cell_add(&self.cell, as_int(amount, "amount"))

    def __iadd__(self, amount):
        cell_add(&self.cell, as_int(amount, "amount"))
        return self

    def __isub__(self, amount):
        cell_add(&self.cell, -as_int(amount, "amount"))
        return self

    def reset(self, /):
        """Set the count to 0 and return what it was, an int.

        Atomic: every increment of every thread is either in what exactly one reset returned or still in
        the count.
        """
        return cell_exchange(&self.cell, 0)

    def __int__(self):
        return cell_get(&self.cell)

    def __repr__(self):
        return f"{type(self).__name__}({cell_get(&self.cell)})"

    def __delattr__(self, name):
        if name == "value" and has_own_value(self):
            raise AttributeError(f"{type(self).__name__}.value cannot be deleted")
        PyObject_GenericSetAttr(self, name, <object>NULL)

    def __reduce__(self):
        return _restore, (type(self), cell_get(&self.cell)), own_state(self)


cdef class _OneCellCounter(_Counter):
    """A counter that knows its new count when it adds, and shows its count as an attribute."""

    @property
    def value(self):
        """The count, an int.  Assign an integer to set it.

        Reading costs as much as an attribute of a class with `__slots__`.  What was read never changes.
        Assigning is atomic, and raises TypeError, with the count unchanged, for what is not an integer.
        """
        return cell_get(&self.cell)

    def __setattr__(self, name, value):
        # The attribute itself is read-only, so that nothing but an exact int gets into the cell.
        if name == "value" and has_own_value(self):
            cell_exchange(&self.cell, as_int(value, "value"))
        else:
            PyObject_GenericSetAttr(self, name, value)

    def increment_and_get(self, /):
        """Add 1 to the count and return the new count, an int, in one atomic step.

        While the count only goes up, no two calls from any threads return the same number.
        """
        return cell_increment_and_get(&self.cell)

    def add_and_get(self, amount, /):
        """Add an integer of any size and sign and return the new count, an int, in one atomic step.

        Raises TypeError, with the count unchanged, if amount is not an integer.
        """
        return cell_add_and_get(&self.cell, as_int(amount, "amount"))


cdef class SingleThreadCounter(_OneCellCounter):
    """SingleThreadCounter(initial=0)
--

A counter for one thread.

`initial` is the integer to count from; anything else raises TypeError.
"""


cdef class FastReadCounter(_OneCellCounter):
    """FastReadCounter(initial=0)
--

A counter for any number of threads that is read as an attribute, `value`.

`initial` is the integer to count from; anything else raises TypeError.
"""


cdef class FastWriteCounter(_Counter):
    """FastWriteCounter(initial=0)
--

A counter for any number of threads that mostly write; it is read by a method, `value()`.

`initial` is the integer to count from; anything else raises TypeError.  There is no
`increment_and_get()`, since the new count would have to be read at each step: use FastReadCounter.
"""

    def value(self, /):
        """Return the count, an int.  What was returned never changes."""
        return cell_get(&self.cell)

    def __setattr__(self, name, value):
        if name == "value" and has_own_value(self):
            raise AttributeError(
                f"{type(self).__name__}.value is a method and cannot be assigned; use add() or reset()"
            )
        PyObject_GenericSetAttr(self, name, value)


# Pickling and copying.  The name of _restore is part of every pickle, so it has to stay.

def _restore(cls, count):
    cdef _Counter counter = cls.__new__(cls)
    cell_exchange(&counter.cell, as_int(count, "count"))
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


# Descriptors.  The interpreter calls a compiled method at full speed only where it belongs to the object's
# exact type, and an inherited one at half that, so every class gets copies of its own of these methods:
# ours below, a user's subclass when it is made.

cdef tuple METHODS = (
    _Counter.increment,
    _Counter.add,
    _Counter.reset,
    _OneCellCounter.increment_and_get,
    _OneCellCounter.add_and_get,
    FastWriteCounter.value,
)


cdef dict own_methods(object cls):
    # A class or mixin that overrides a method keeps its say: copies of ours that stand before it are
    # looked through, as if every class but the original one had inherited the method.
    own = {}
    for method in METHODS:
        if cls is method.__objclass__ or not issubclass(cls, method.__objclass__):
            continue
        name = method.__name__
        found = [vars(base)[name] for base in cls.__mro__ if name in vars(base)]
        for attribute in found:
            if attribute is method:
                own[name] = method_of_type(method, <PyTypeObject *>cls)
                break
            if not is_same_method(attribute, method):
                if attribute is not found[0]:
                    own[name] = attribute
                break
    return own


def _init_subclass(cls, **kwargs):
    super(_Counter, cls).__init_subclass__(**kwargs)
    for name, attribute in own_methods(cls).items():
        type.__setattr__(cls, name, attribute)


cdef object install_value_attribute():
    cdef _OneCellCounter counter = _OneCellCounter()
    offset = <char *>&counter.cell - <char *><void *>counter
    cls = <PyTypeObject *>_OneCellCounter
    attribute = cell_as_attribute(cls, offset, vars(_OneCellCounter)["value"])
    set_type_attribute(cls, "value", attribute)
    return attribute


cdef int install_own_methods() except -1:
    for cls in (SingleThreadCounter, FastReadCounter, FastWriteCounter):
        for name, method in own_methods(cls).items():
            set_type_attribute(<PyTypeObject *>cls, name, method)
    set_type_attribute(<PyTypeObject *>_Counter, "__init_subclass__", classmethod(_init_subclass))


# Users see, and pickles name, the package that exports them.
(<PyTypeObject *>SingleThreadCounter).tp_name = "fastcounter.SingleThreadCounter"
(<PyTypeObject *>FastReadCounter).tp_name = "fastcounter.FastReadCounter"
(<PyTypeObject *>FastWriteCounter).tp_name = "fastcounter.FastWriteCounter"

set_stripes_for(os.cpu_count() or 1)
cdef object VALUE_ATTRIBUTE = install_value_attribute()
install_own_methods()
