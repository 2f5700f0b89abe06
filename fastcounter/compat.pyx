# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True, subinterpreters_compatible=own_gil
"""The API of the published fastcounter 1.x, over the compiled counters.

`Counter`, `FastReadCounter` and `FastWriteCounter` take `init` and `step`, `increment(num_steps=1)` adds step *
num_steps, and `value` is an attribute of all three.  With integers they count as 1.1.0 does, with one difference: a
negative number of steps subtracts in all three classes.  FastWriteCounter of 1.1.0 ignores it.  Any number of steps is
one addition, in one atomic step.

An interpreter other than the main one leaks this module's memory when it is closed.
"""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF

from fastcounter cimport _counters
from fastcounter._counters cimport _Counter, add_value, complete_module
from fastcounter.c.integers cimport as_int


cdef extern from "c/cython_workarounds.h":  # changes the code that Cython generates for a module
    pass


__all__ = ["Counter", "FastReadCounter", "FastWriteCounter"]


cdef class Counter(_Counter):
    """Counter(init=0, step=1)
--

A counter for one thread that counts in steps.  It promises what fastcounter.SingleThreadCounter promises.

`init` is the integer to count from, `step` the integer that increment() adds.  Anything else raises TypeError.
"""

    # The step is the count of a FastReadCounter, since another thread may call __init__ again.  Declared as an
    # `object`, this would make the garbage collector track the type.
    cdef PyObject *step

    def __cinit__(self, *args, **kwargs):
        step = _counters.FastReadCounter.__new__(_counters.FastReadCounter)
        Py_INCREF(step)
        self.step = <PyObject *>step
        self.set_step(1)

    def __dealloc__(self):
        Py_XDECREF(self.step)

    def __init__(self, init=0, step=1):
        init, step = as_int(init, "init"), as_int(step, "step")
        self.set_step(step)
        self.c_exchange(init)

    def increment(self, num_steps=1):
        """Add step * num_steps to the count, in one atomic step, and return None.

        Raises TypeError, with the count unchanged, if num_steps is not an integer.
        """
        self.c_add(as_int(num_steps, "num_steps") * self.get_step())

    def decrement(self, num_steps=1):
        """Subtract step * num_steps from the count, in one atomic step, and return None.

        1.x has no such method.  Raises TypeError, with the count unchanged, if num_steps is not an integer.
        """
        self.c_add(-as_int(num_steps, "num_steps") * self.get_step())

    cdef int set_step(self, object step) except -1:
        (<_counters.FastReadCounter>self.step).c_exchange(step)
        return 0

    cdef object get_step(self):
        return (<_counters.FastReadCounter>self.step).c_value()

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


_all = (Counter, FastReadCounter, FastWriteCounter)
add_value(_all)
complete_module(__name__, _Counter, _all, (), False)
del _all
