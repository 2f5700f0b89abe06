/* What SharedCounter needs from CPython: errors raised with and without the GIL, and the value of ints of one digit. */
#ifndef FASTCOUNTER_SHARED_H
#define FASTCOUNTER_SHARED_H

#include <stdarg.h>
#include <stdint.h>

#include "_cpython.h"

#if PY_VERSION_HEX < CPYTHON(13)
#  define PyThreadState_GetUnchecked _PyThreadState_UncheckedGet
#endif

/* Set an exception and return -1.  This calls PyGILState_Ensure() only if no thread state is attached: it would switch a
 * thread of another interpreter to the main interpreter. */
static int
set_error(PyObject *type, const char *format, ...)
{
    int is_attached = PyThreadState_GetUnchecked() != NULL;
    PyGILState_STATE state = is_attached ? PyGILState_LOCKED : PyGILState_Ensure();
    va_list values;
    va_start(values, format);
    PyErr_FormatV(type, format, values);
    va_end(values);
    if (!is_attached) {
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
