# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True
"""The compiled counters; import them from `fastcounter` and `fastcounter.compat`."""

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


cdef inline int add_to(void **cell, object amount) except -1:
    if PyLong_CheckExact(amount):
        return cell_add(cell, amount)
    return cell_add(cell, as_int(amount, "amount"))


cdef class _Counter:
    """What all counters have in common."""

    # `cell`, declared in the .pxd, is this object's alone; _internals.h says why threads may share it.

    def __cinit__(self):
        # Takes no arguments, so that the __init__ of a subclass may have any of its own.
        if isinstance(self, (FastWriteCounter, CompatFastWriteCounter)):
            cell_init(&self.cell, CELL_WRITTEN_OFTEN)
        elif isinstance(self, (FastReadCounter, CompatFastReadCounter)):
            cell_init(&self.cell, CELL_READ_OFTEN)
        else:
            cell_init(&self.cell, CELL_OF_ONE_THREAD)

    def __init__(self, initial=0):
        cell_exchange(&self.cell, as_int(initial, "initial"))

    def __dealloc__(self):
        cell_free(&self.cell)

    def increment(self, /):
        """Add 1 to the count and return None.

        One atomic step.  Costs what calling a compiled method that does nothing costs.
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
        return cell_exchange(&self.cell, 0)

    @property
    def value(self):
        """The count, an int.  Assign an integer to set it.

        What was read never changes.  Reading costs what an attribute of a class with `__slots__` costs, on
        builds with the GIL.  Assigning is one atomic step, and raises TypeError, with the count unchanged,
        if the value is not an integer.
        """
        return cell_get(&self.cell)

    def __setattr__(self, name, value):
        # Where `value` is an attribute, that is read-only, lest anything but an exact int get into the cell.
        if name != "value" or not has_own_value(self):
            PyObject_GenericSetAttr(self, name, value)
        elif type(self).value is VALUE_ATTRIBUTE:
            cell_exchange(&self.cell, as_int(value, "value"))
        else:
            raise AttributeError(
                f"{type(self).__name__}.value is a method and cannot be assigned; use add() or reset()"
            )

    def __delattr__(self, name):
        if name == "value" and has_own_value(self):
            raise AttributeError(f"{type(self).__name__}.value cannot be deleted")
        PyObject_GenericSetAttr(self, name, <object>NULL)

    def __int__(self):
        return cell_get(&self.cell)

    def __repr__(self):
        return f"{type(self).__name__}({cell_get(&self.cell)})"

    def __reduce__(self):
        return _restore, (type(self), cell_get(&self.cell)), own_state(self)

    cdef int c_increment(self) except -1:
        return cell_increment(&self.cell)

    cdef int c_add(self, object amount) except -1:
        return add_to(&self.cell, amount)

    cdef object c_value(self):
        return cell_get(&self.cell)

    cdef object c_reset(self):
        return cell_exchange(&self.cell, 0)


cdef class _OneCellCounter(_Counter):
    """A counter that knows its new count whenever it adds."""

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


cdef class SingleThreadCounter(_OneCellCounter):
    """SingleThreadCounter(initial=0)
--

A counter for one thread.  Its count is the attribute `value`.

Under the GIL any number of threads may use it and every call is atomic.  On a free-threaded build that is so
for one thread only: several may use it at once safely, but additions, resets and assignments may be lost.

`initial` is the integer to count from; anything else raises TypeError.
"""


cdef class FastReadCounter(_OneCellCounter):
    """FastReadCounter(initial=0)
--

A counter for any number of threads.  Its count is the attribute `value`.

Every call is atomic and exact, with the GIL and without it.

`initial` is the integer to count from; anything else raises TypeError.
"""


cdef class FastWriteCounter(_Counter):
    """FastWriteCounter(initial=0)
--

A counter for any number of threads that mostly write.  Its count is read by the method `value()`.

No call loses or doubles anything, with the GIL and without it.  On a free-threaded build threads do not get in
each other's way as they add, and reading adds up what each of them has added.  There is no
`increment_and_get()`, which would have to read at every step: use FastReadCounter for that.

`initial` is the integer to count from; anything else raises TypeError.
"""

    def value(self, /):
        """Return the count, an int.

        What was returned never changes.  Under the GIL it is the count at one moment.  On a free-threaded
        build, while threads only increment, it is at least the count when the call began and at most the
        count when it ended, and what one thread reads never goes back.
        """
        return cell_get(&self.cell)


# The classes of fastcounter.compat.

cdef class CompatCounter(_Counter):
    """Counter(init=0, step=1)
--

A counter for one thread that counts in steps; see SingleThreadCounter for its promises.

`init` is the integer to count from, `step` the integer that increment() adds; anything else raises TypeError.
"""

    # An int in a cell, like the count: another thread may call __init__ again.
    cdef void *step
    # Whether it is 1, in which case increment() need not look at it.
    cdef bint has_step_1

    def __cinit__(self):
        cell_init(&self.step, CELL_READ_OFTEN)
        self.set_step(1)

    def __init__(self, init=0, step=1):
        init, step = as_int(init, "init"), as_int(step, "step")
        self.set_step(step)
        cell_exchange(&self.cell, init)

    def __dealloc__(self):
        cell_free(&self.step)

    cdef int set_step(self, object step) except -1:
        self.has_step_1 = step == 1
        cell_exchange(&self.step, step)
        return 0

    def increment(self, num_steps=1):
        """Add step * num_steps to the count, in one atomic step, and return None.

        Raises TypeError, with the count unchanged, if num_steps is not an integer.
        """
        if num_steps is not ONE:
            cell_add(&self.cell, as_int(num_steps, "num_steps") * cell_get(&self.step))
        elif self.has_step_1:
            cell_increment(&self.cell)
        else:
            cell_add(&self.cell, cell_get(&self.step))

    def __reduce__(self):
        return _restore, (type(self), cell_get(&self.cell), cell_get(&self.step)), own_state(self)


cdef class CompatFastReadCounter(CompatCounter):
    """FastReadCounter(init=0, step=1)
--

A counter for any number of threads that counts in steps; see fastcounter.FastReadCounter for its promises.

`init` is the integer to count from, `step` the integer that increment() adds; anything else raises TypeError.
"""


cdef class CompatFastWriteCounter(CompatCounter):
    """FastWriteCounter(init=0, step=1)
--

A counter for any number of threads that counts in steps; see fastcounter.FastWriteCounter for its promises.

`init` is the integer to count from, `step` the integer that increment() adds; anything else raises TypeError.
"""

    def __setattr__(self, name, value):
        if name == "value" and has_own_value(self):
            raise AttributeError(f"{type(self).__name__}.value cannot be assigned; use increment() or reset()")
        PyObject_GenericSetAttr(self, name, value)


# Pickling and copying.  The name and arguments of _restore are part of every pickle, so they have to stay.

def _restore(cls, count, step=None):
    cdef _Counter counter = cls.__new__(cls)
    count = as_int(count, "count")
    if step is not None:
        (<CompatCounter?>counter).set_step(as_int(step, "step"))
    cell_exchange(&counter.cell, count)
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
    CompatCounter.increment,
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


cdef bint has_own_value(object counter):
    # Whether `value` is what its class makes it above, and not something that a subclass has put there.
    value = type(counter).value
    return value is VALUE_ATTRIBUTE or is_same_method(value, FastWriteCounter.value)


cdef object install_value_attribute():
    cdef _Counter counter = _Counter()
    offset = <char *>&counter.cell - <char *><void *>counter
    cls = <PyTypeObject *>_Counter
    attribute = cell_as_attribute(cls, offset, vars(_Counter)["value"])
    set_type_attribute(cls, "value", attribute)
    return attribute


cdef int install_class(cls, const char *name) except -1:
    for method_name, method in own_methods(cls).items():
        set_type_attribute(<PyTypeObject *>cls, method_name, method)
    # What users see, and pickles hold, is the name of the package that exports the class.
    (<PyTypeObject *>cls).tp_name = name


cdef object ONE = 1
cdef object VALUE_ATTRIBUTE = install_value_attribute()

set_stripes_for(os.cpu_count() or 1)
set_type_attribute(<PyTypeObject *>_Counter, "__init_subclass__", classmethod(_init_subclass))
install_class(SingleThreadCounter, "fastcounter.SingleThreadCounter")
install_class(FastReadCounter, "fastcounter.FastReadCounter")
install_class(FastWriteCounter, "fastcounter.FastWriteCounter")
install_class(CompatCounter, "fastcounter.compat.Counter")
install_class(CompatFastReadCounter, "fastcounter.compat.FastReadCounter")
install_class(CompatFastWriteCounter, "fastcounter.compat.FastWriteCounter")
