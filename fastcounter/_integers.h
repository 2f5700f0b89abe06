/* The values of exact ints, as C integers. */
#ifndef FASTCOUNTER_INTEGERS_H
#define FASTCOUNTER_INTEGERS_H

#include <stdint.h>

#include "_cpython.h"

/* Get the value of an exact int.  Returns 0 if that is not a signed 64-bit integer.  An int of one digit takes no call,
 * unless the build is portable or before 3.12 the int is 0 or negative. */
static inline int
int_as_int64(PyObject *number, int64_t *value)
{
#if PY_VERSION_HEX >= CPYTHON(12)
    if (PyUnstable_Long_IsCompact((PyLongObject *)number)) {
        *value = PyUnstable_Long_CompactValue((PyLongObject *)number);
        return 1;
    }
#elif KNOWN_CPYTHON
    if (Py_SIZE(number) == 1) {
        *value = ((PyLongObject *)number)->ob_digit[0];
        return 1;
    }
#endif
    int overflow;
    *value = PyLong_AsLongLongAndOverflow(number, &overflow);
    return !overflow;
}

static inline int
fits(int64_t number, int64_t limit)
{
    return -limit < number && number < limit;
}

/* Get the value of an exact int, if it is between -limit and limit.  Otherwise returns 0. */
static inline int
int_fits(PyObject *number, int64_t limit, int64_t *value)
{
    return int_as_int64(number, value) && fits(*value, limit);
}

#endif
