/* The lock of free-threaded builds, an int that is 0 at first.
 *
 * Forks, signal handlers and finalizers never meet a lock that nobody will release.  The holder of the lock only loads
 * and stores memory: it runs no Python code and does nothing that lets CPython stop the thread.  A thread that waits
 * for the lock spins and yields the processor, but its thread state stays attached.  CPython stops all threads before a
 * fork (python/cpython#116522), and no thread stops with the lock held.  A PyMutex would not work: CPython may stop a
 * waiting thread just when the mutex is handed to it, and the mutex would stay locked in the child for ever.
 */
#ifndef FASTCOUNTER_LOCK_H
#define FASTCOUNTER_LOCK_H

#include "cpython.h"

#ifdef Py_GIL_DISABLED

#  ifdef MS_WINDOWS
#    ifndef WIN32_LEAN_AND_MEAN
#      define WIN32_LEAN_AND_MEAN
#    endif
#    include <windows.h>
#    define YIELD() ((void)SwitchToThread())
#  else
#    include <sched.h>
#    define YIELD() ((void)sched_yield())
#  endif

static inline void
spin_lock(int *locked)
{
    int unlocked = 0;
    for (int spins = 0; !_Py_atomic_compare_exchange_int(locked, &unlocked, 1); spins++) {
        unlocked = 0;
        if (spins > 10) {
            YIELD();
        }
    }
}

static inline void
spin_unlock(int *locked)
{
    _Py_atomic_store_int_release(locked, 0);
}

#else

/* With the GIL, loads and stores without Python code between them are atomic. */
static inline void
spin_lock(int *locked)
{
    (void)locked;
}

static inline void
spin_unlock(int *locked)
{
    (void)locked;
}

#endif
#endif
