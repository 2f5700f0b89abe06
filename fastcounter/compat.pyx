# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True, subinterpreters_compatible=own_gil
"""The API of the published fastcounter 1.x, over the compiled counters.

`Counter`, `FastReadCounter` and `FastWriteCounter` take `init` and `step`, `increment(num_steps=1)` adds step *
num_steps, and `value` is an attribute of all three.  With integers they count as 1.1.0 does, with one difference: a
negative number of steps subtracts in all three classes.  FastWriteCounter of 1.1.0 ignores it.  Any number of steps is
one addition, in one atomic step.

An interpreter other than the main one leaks this module's memory when it is closed.
"""

import sys

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport int64_t

from fastcounter cimport _counters
from fastcounter._counters cimport _Counter, publish
from fastcounter._integers cimport as_int


cdef extern from "_atomics.h":
    const int64_t INT64_MIN
    int64_t load "_Py_atomic_load_int64_relaxed"(const int64_t *place) nogil
    void store "_Py_atomic_store_int64_relaxed"(int64_t *place, int64_t value) nogil


cdef extern from "_module.h":
    int let_import_again(object module) except -1


cdef extern from *:
    r"""
    static PyObject *counter_increment(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

    static PyMethodDef increment_definition = {
        "increment", (PyCFunction)(void (*)(void))counter_increment, METH_FASTCALL | METH_KEYWORDS,
        "increment($self, /, num_steps=1)\n--\n\n"
        "Add step * num_steps to the count, in one atomic step, and return None.\n\n"
        "Raises TypeError, with the count unchanged, if num_steps is not an integer."};

    #define increment_of_type(type) PyDescr_NewMethod((PyTypeObject *)(type), &increment_definition)
    """
    object increment_of_type(object cls)

__all__ = ["Counter", "FastReadCounter", "FastWriteCounter"]


cdef class Counter(_Counter):
    """Counter(init=0, step=1)
--

A counter for one thread that counts in steps.  It promises what fastcounter.SingleThreadCounter promises.

`init` is the integer to count from, `step` the integer that increment() adds.  Anything else raises TypeError.
"""

    # Another thread may call __init__ again.  So each call loads `step` once, or stores it once, atomically.  INT64_MIN
    # means that the step is in `large_step`, a FastReadCounter.  It stays there when `step` changes, for a thread that
    # has just loaded INT64_MIN.  Declared as an `object`, it would make the garbage collector track the type.
    cdef int64_t step
    cdef PyObject *large_step

    def __cinit__(self, *args, **kwargs):
        self.step = 1
        large_step = _counters.FastReadCounter.__new__(_counters.FastReadCounter)
        Py_INCREF(large_step)
        self.large_step = <PyObject *>large_step

    def __dealloc__(self):
        Py_XDECREF(self.large_step)

    def __init__(self, init=0, step=1):
        init, step = as_int(init, "init"), as_int(step, "step")
        self.set_step(step)
        self.c_exchange(init)

    cdef int set_step(self, object step) except -1:
        if -2**62 < step < 2**62:
            store(&self.step, step)
        else:
            (<_counters.FastReadCounter>self.large_step).c_exchange(step)
            store(&self.step, INT64_MIN)
        return 0

    cdef object get_step(self):
        step = load(&self.step)
        return step if step != INT64_MIN else (<_counters.FastReadCounter>self.large_step).c_value()

    cdef int add_steps(self, object num_steps) except -1:
        return self.c_add(as_int(num_steps, "num_steps") * self.get_step())

    cdef tuple get_state(self):
        return self.c_value(), self.get_step()

    cdef int set_state(self, tuple state) except -1:
        count, step = state
        count, step = as_int(count, "count"), as_int(step, "step")
        self.set_step(step)
        self.c_exchange(count)
        return 0


cdef class FastReadCounter(Counter):
    """FastReadCounter(init=0, step=1)
--

A counter for any number of threads that counts in steps.  It promises what fastcounter.FastReadCounter promises.

`init` is the integer to count from, `step` the integer that increment() adds.  Anything else raises TypeError.
"""

    cdef void *own_layout  # see _counters.pxd

    def __cinit__(self, *args, **kwargs):
        self.make_atomic()


cdef class FastWriteCounter(Counter):
    """FastWriteCounter(init=0, step=1)
--

A counter for any number of threads that counts in steps.  It promises what fastcounter.FastWriteCounter promises.

`init` is the integer to count from, `step` the integer that increment() adds.  Anything else raises TypeError.
"""

    cdef void *own_layout

    def __cinit__(self, *args, **kwargs):
        self.make_striped()

    cdef int assign_value(self, object value) except -1:
        raise AttributeError(f"{type(self).__name__}.value cannot be assigned; use increment() or reset()")


# Cython's own parsing of arguments looks up the module's state, since each interpreter has its own.  That would take
# twice as long as everything else that increment() does.
cdef object counter_increment "counter_increment"(
    object self, PyObject *const *args, Py_ssize_t number, PyObject *keywords
):
    counter = <Counter>self  # the method descriptor has checked the type
    if keywords is NULL and number == 0:
        if load(&counter.step) == 1:
            counter.c_increment()
        else:
            counter.c_add(counter.get_step())
    elif keywords is NULL and number == 1:
        counter.add_steps(<object>args[0])
    elif keywords is not NULL and number == 0 and <tuple>keywords == ("num_steps",):
        counter.add_steps(<object>args[0])
    else:
        raise TypeError("increment() takes one argument at most, num_steps")


Counter.increment = increment_of_type(Counter)
publish(_Counter, (Counter, FastReadCounter, FastWriteCounter), __name__)
let_import_again(sys.modules[__name__])
