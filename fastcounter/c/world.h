/* Stopping all other threads of the interpreter for a moment, as the garbage collector and a fork do. */
#ifndef FASTCOUNTER_WORLD_H
#define FASTCOUNTER_WORLD_H

#include "cpython.h"

/* A fork waits until no thread stops others.  CPython 3.13 begins to stop them with a mutex that it keeps while it waits
 * for a fork to end.  In the child that mutex stays taken for ever, so not even the garbage collector can run there
 * (python/cpython#137433).  So on 3.13 who calls while_no_other_thread_runs() has a lock that a fork takes too. */
#if defined(Py_GIL_DISABLED) && KNOWN_CPYTHON && PY_VERSION_HEX < CPYTHON(14)
#  define FORKS_TAKE_LOCK 1
#else
#  define FORKS_TAKE_LOCK 0
#endif

#if !defined(Py_GIL_DISABLED)

/* Call the function while no other thread runs.  Returns 0 if that is not possible, and then the function has not been
 * called; it may also set an exception.  The function only loads and stores memory. */
static inline int
while_no_other_thread_runs(void (*function)(void *), void *argument)
{
    function(argument);  /* with the GIL none does */
    return 1;
}

#elif KNOWN_CPYTHON

typedef struct {
    void (*function)(void *);
    void *argument;
    int done;
} world_call;

/* PyUnstable_GC_VisitObjects() stops all threads, calls this for one object after another until it returns 0, and lets
 * the threads go on. */
static int
visit_first_object(PyObject *object, void *argument)
{
    world_call *self = argument;
    (void)object;
    self->function(self->argument);
    self->done = 1;
    return 0;
}

static inline int
while_no_other_thread_runs(void (*function)(void *), void *argument)
{
    world_call call = {function, argument, 0};
    /* gc.freeze() may have hidden all objects, so this makes one to be visited.  Another thread may hide that too. */
    for (int tries = 0; tries < 100 && !call.done; tries++) {
        PyObject *object = PyList_New(0);
        if (object == NULL) {
            break;
        }
        PyUnstable_GC_VisitObjects(visit_first_object, &call);
        Py_DECREF(object);
    }
    return call.done;
}

#else

static inline int
while_no_other_thread_runs(void (*function)(void *), void *argument)
{
    (void)function, (void)argument;
    return 0;
}

#endif
#endif
