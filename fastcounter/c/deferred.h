/* Deferred reference counting: threads use one object without contending for its reference count.
 *
 * On a free-threaded build the interpreter counts a reference each time it loads an object from a global or an
 * attribute.  If threads share the object, this takes several times as long as calling its method.  From 3.14 CPython
 * can defer the reference counting of an object (PyUnstable_Object_EnableDeferredRefcount).  Then only the garbage
 * collector frees the object.  So fastcounter defers it only for counters that threads share.  A counter is owned by
 * the thread that made it, and the first call from another thread defers its reference counting.  A counter that only
 * its owner uses is freed with its last reference.
 *
 * CPython defers it only for objects that the garbage collector tracks; types.h lets it track them.
 */
#ifndef FASTCOUNTER_DEFERRED_H
#define FASTCOUNTER_DEFERRED_H

#include <stdint.h>

#include "cpython.h"

#if defined(Py_GIL_DISABLED) && KNOWN_CPYTHON && PY_VERSION_HEX >= CPYTHON(14)

#  define DEFERS 1

/* Whether the garbage collector is about to free the object.  Finalizers may still use it.  If the reference counting
 * were deferred at that moment, the collector would mistake the large reference count for an overflow, and make the
 * object immortal.  The bit is _PyGC_BITS_UNREACHABLE in CPython's pycore_gc.h. */
static inline int
is_garbage(PyObject *object)
{
    return (_Py_atomic_load_uint8_relaxed(&object->ob_gc_bits) & (1 << 2)) != 0;
}

/* Defer the object's reference counting.  `deferred` belongs to the object and is 0 at first.
 *
 * CPython returns 0 if that has been done already, by another thread or by CPython itself: from 3.15 it defers globals
 * that threads share (python/cpython#142843).  Then nothing is left to do.  It also returns 0 if the collector does not
 * track the object, because it is being deallocated.  A finalizer may bring such an object back, so a later call tries
 * again. */
static inline void
defer_once(PyObject *object, uint8_t *deferred)
{
    if (!_Py_atomic_load_uint8_relaxed(deferred) && !is_garbage(object)
        && (PyUnstable_Object_EnableDeferredRefcount(object) || PyObject_GC_IsTracked(object))) {
        _Py_atomic_store_uint8_relaxed(deferred, 1);
    }
}

/* Each method that threads may call often calls this, or compares the thread with an owner that the object keeps
 * itself, as cell_of() does.  While the collector frees an object, no thread owns it: the collector uses the
 * field `ob_tid` for its own list. */
static inline void
defer_if_shared(PyObject *object, uint8_t *deferred)
{
    if (!_Py_IsOwnedByCurrentThread(object)) {
        defer_once(object, deferred);
    }
}

#else

#  define DEFERS 0

static inline void
defer_once(PyObject *object, uint8_t *deferred)
{
    (void)object, (void)deferred;
}

static inline void
defer_if_shared(PyObject *object, uint8_t *deferred)
{
    (void)object, (void)deferred;
}

#endif
#endif
