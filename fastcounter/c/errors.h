/* Raising exceptions with and without the GIL. */
#ifndef FASTCOUNTER_ERRORS_H
#define FASTCOUNTER_ERRORS_H

#include <stdarg.h>

#include "cpython.h"

/* Set an exception and return -1.  This calls PyGILState_Ensure() only if no thread state is attached, because that
 * would switch a thread of another interpreter to the main interpreter. */
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

#endif
