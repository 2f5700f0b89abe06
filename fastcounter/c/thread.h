/* The running thread. */
#ifndef FASTCOUNTER_THREAD_H
#define FASTCOUNTER_THREAD_H

#include <stdint.h>

#include "cpython.h"

#ifdef _MSC_VER
#  define THREAD_LOCAL __declspec(thread)
#else
#  define THREAD_LOCAL _Thread_local  /* mingw's gcc ignores __declspec(thread): all threads would have one variable */
#endif

/* The id of the running thread, or 0 if only portable code could get it.  Then no id is the running thread's. */
#if defined(Py_GIL_DISABLED) && KNOWN_CPYTHON

static inline uintptr_t
running_thread(void)
{
    return _Py_ThreadId();
}

static inline int
is_running_thread(uintptr_t id)
{
    return id == _Py_ThreadId();
}

#else

static inline uintptr_t
running_thread(void)
{
    return 0;
}

static inline int
is_running_thread(uintptr_t id)
{
    (void)id;
    return 0;
}

#endif
#endif
