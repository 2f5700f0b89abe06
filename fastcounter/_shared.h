/* What SharedCounter needs from CPython: errors raised with and without the GIL, and the value of ints of one digit. */
#ifndef FASTCOUNTER_SHARED_H
#define FASTCOUNTER_SHARED_H

#include <stdint.h>

#include "_cpython.h"

#if PY_VERSION_HEX < CPYTHON(13)
#  define PyThreadState_GetUnchecked _PyThreadState_UncheckedGet
#endif

/* These set an exception and return -1.  They call PyGILState_Ensure() only if no thread state is attached: it would
 * switch a thread of another interpreter to the main interpreter. */
static int
raise_overflow(long long count, char sign, long long amount)
{
    int has_gil = PyThreadState_GetUnchecked() != NULL;
    PyGILState_STATE state = has_gil ? PyGILState_LOCKED : PyGILState_Ensure();
    PyErr_Format(PyExc_OverflowError, "%lld %c %lld is not a signed 64-bit integer, as a shared count has to be",
                 count, sign, amount);
    if (!has_gil) {
        PyGILState_Release(state);
    }
    return -1;
}

static int
raise_not_attached(void)
{
    int has_gil = PyThreadState_GetUnchecked() != NULL;
    PyGILState_STATE state = has_gil ? PyGILState_LOCKED : PyGILState_Ensure();
    PyErr_SetString(PyExc_RuntimeError, "SharedCounter.__init__() has not been called");
    if (!has_gil) {
        PyGILState_Release(state);
    }
    return -1;
}

/* Get the value of an exact int of one digit and return 1.  Return 0 if it has more digits.  Before 3.12 also return 0
 * for 0 and negative ints, or for all ints in the portable build.  PyLong_AsLongLongAndOverflow() is slower. */
static inline int
int_as_one_digit(PyObject *number, int64_t *value)
{
#if PY_VERSION_HEX >= CPYTHON(12)
    PyLongObject *self = (PyLongObject *)number;
    *value = PyUnstable_Long_IsCompact(self) ? PyUnstable_Long_CompactValue(self) : 0;
    return PyUnstable_Long_IsCompact(self);
#elif KNOWN_CPYTHON
    *value = Py_SIZE(number) == 1 ? ((PyLongObject *)number)->ob_digit[0] : 0;
    return Py_SIZE(number) == 1;
#else
    (void)number, (void)value;
    return 0;
#endif
}

#endif
