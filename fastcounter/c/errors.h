/* Raising exceptions with and without the GIL. */
#ifndef FASTCOUNTER_ERRORS_H
#define FASTCOUNTER_ERRORS_H

#include <stdarg.h>

#include "cpython.h"

/* Whether this thread may use Python's objects.  PyGILState_Check() would not do: it is always true once a program has
 * made an interpreter. */
#if PY_VERSION_HEX < CPYTHON(12)

/* The current thread state is that of whoever has the GIL.  A thread has one from its start, and may have that of
 * another interpreter at the moment.  (While another thread has such a one, this takes it for its own.) */
static inline int
is_attached(void)
{
    PyThreadState *current = PyThreadState_GetUnchecked(), *first = PyGILState_GetThisThreadState();
    return current != NULL && first != NULL && (current == first || current->interp != first->interp);
}

#else

static inline int
is_attached(void)
{
    return PyThreadState_GetUnchecked() != NULL;
}

#endif

/* Set an exception and return -1.  This calls PyGILState_Ensure() only if no thread state is attached, because that
 * would switch a thread of another interpreter to the main interpreter. */
static int
set_error(PyObject *type, const char *format, ...)
{
    int attached = is_attached();
    PyGILState_STATE state = attached ? PyGILState_LOCKED : PyGILState_Ensure();
    va_list values;
    va_start(values, format);
    PyErr_FormatV(type, format, values);
    va_end(values);
    if (!attached) {
        PyGILState_Release(state);
    }
    return -1;
}

#endif
