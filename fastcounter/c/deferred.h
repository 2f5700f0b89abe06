/* Deferred reference counting: threads use one object without contending for its reference count.
 *
 * On a free-threaded build the interpreter counts a reference each time it loads an object from a global or an
 * attribute.  If threads share the object, this takes several times as long as calling its method.  From 3.14 CPython
 * can defer the reference counting of an object (PyUnstable_Object_EnableDeferredRefcount).  Then only the garbage
 * collector frees the object.  So fastcounter defers it only for counters that threads share.  A counter is owned by
 * the thread that made it, and the first call from another thread defers its reference counting.  A counter that only
 * its owner uses is freed with its last reference.
 *
 * CPython defers it only for objects that the garbage collector tracks.  Cython has the collector track a type if its
 * class has fields that are Python objects.  It would do so on builds with the GIL too, at a cost of 16 bytes an
 * object.  So this file changes the types after Cython has made them, before any instance or subclass that stays.
 */
#ifndef FASTCOUNTER_DEFERRED_H
#define FASTCOUNTER_DEFERRED_H

#include <stdint.h>

#include "types.h"

/* The id of the running thread, or 0 if only portable code could get it.  Then no thread is an owner. */
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

#if defined(Py_GIL_DISABLED) && KNOWN_CPYTHON && PY_VERSION_HEX >= CPYTHON(14)

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
 * itself, as defer_counter() does.  While the collector frees an object, no thread owns it: the collector uses the
 * field `ob_tid` for its own list. */
static inline void
defer_if_shared(PyObject *object, uint8_t *deferred)
{
    if (!_Py_IsOwnedByCurrentThread(object)) {
        defer_once(object, deferred);
    }
}

/* The offset of an object's only Py_buffer, or 0. */
static Py_ssize_t buffer_offset;

static int
traverse(PyObject *object, visitproc visit, void *arg)
{
    if (is_type_reference_ours(object)) {
        Py_VISIT(Py_TYPE(object));  /* if CPython visited it too, the collector would free a class that is in use */
    }
    if (buffer_offset != 0) {
        Py_VISIT(((Py_buffer *)((char *)object + buffer_offset))->obj);
    }
    return 0;
}

static inline void
make_collectable(PyObject *type, Py_ssize_t offset_of_buffer)
{
    PyTypeObject *self = (PyTypeObject *)type;
    if (buffer_offset != offset_of_buffer) {  /* only in the first interpreter: all of them share it */
        buffer_offset = offset_of_buffer;
    }
    self->tp_traverse = traverse;
    self->tp_free = PyObject_GC_Del;
    self->tp_flags |= Py_TPFLAGS_HAVE_GC;
}

#else

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

static inline void
make_collectable(PyObject *type, Py_ssize_t offset_of_buffer)
{
    (void)type, (void)offset_of_buffer;
}

#endif
#endif
