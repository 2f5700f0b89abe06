/* The values of exact ints, as C integers. */
#ifndef FASTCOUNTER_INTEGERS_H
#define FASTCOUNTER_INTEGERS_H

#include <stdint.h>

#include "cpython.h"

/* Get the value of an exact int that is compact: that has one digit.  Otherwise returns 0, as it does before 3.12 also
 * for 0 and negative ints, and for all ints in a portable build. */
static inline int
compact_int_value(PyObject *number, int64_t *value)
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

/* Get the value of an exact int.  Returns 0 if it has more than 64 bits. */
static inline int
int_value(PyObject *number, int64_t *value)
{
    int overflow = 0;
    if (!compact_int_value(number, value)) {
        *value = PyLong_AsLongLongAndOverflow(number, &overflow);
    }
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
    return int_value(number, value) && fits(*value, limit);
}

#endif
