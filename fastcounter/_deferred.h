/* Deferred reference counting: how threads use one object without fighting over its reference count.
 *
 * On a free-threaded build the interpreter counts a reference each time it loads an object from a global or an
 * attribute.  Where threads share the object, that costs several times what the call of its method costs.  From 3.14
 * CPython can leave the reference count alone (PyUnstable_Object_EnableDeferredRefcount); only the garbage collector
 * then frees the object.  So an object that only its owner uses, the thread that made it, keeps its reference count and
 * dies with its last reference.  The first call from another thread defers the counting.
 *
 * The collector has to track such objects.  Cython makes a type that the collector knows only from a class with Python
 * objects in it, and on every build, where it costs 16 bytes an object.  So the types are changed here, after Cython has
 * made them and before there is an instance or a subclass.
 */
#ifndef FASTCOUNTER_DEFERRED_H
#define FASTCOUNTER_DEFERRED_H

#include "_cpython.h"

#if defined(Py_GIL_DISABLED) && KNOWN_CPYTHON

/* Whether the running thread owns the object.  A thread that ends may leave its objects to a later one. */
static inline int
is_owned(PyObject *object)
{
    return _Py_IsOwnedByCurrentThread(object);
}

#else

static inline int
is_owned(PyObject *object)
{
    (void)object;
    return 0;
}

#endif

#if defined(Py_GIL_DISABLED) && KNOWN_CPYTHON && PY_VERSION_HEX >= CPYTHON(14)

/* To be called by each method.  `deferred` is a field of the object's, 0 at first. */
static inline void
defer_if_shared(PyObject *object, int *deferred)
{
    if (!is_owned(object) && !_Py_atomic_load_int_relaxed(deferred)
        && PyUnstable_Object_EnableDeferredRefcount(object)) {
        _Py_atomic_store_int_relaxed(deferred, 1);
    }
}

/* What Cython has made, one function for all types of a module.  All interpreters write the same here. */
static void *cython_dealloc;

/* The offset of an object's only Py_buffer, or 0. */
static Py_ssize_t buffer_offset;

static int
traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    if (buffer_offset != 0) {
        Py_VISIT(((Py_buffer *)((char *)object + buffer_offset))->obj);
    }
    return 0;
}

/* A type's tp_dealloc: the collector must not see an object that is being taken apart. */
static void
untrack_and_dealloc(PyObject *object)
{
    PyObject_GC_UnTrack(object);
    ((destructor)_Py_atomic_load_ptr_relaxed(&cython_dealloc))(object);
}

static inline void
make_collectable(PyObject *type, Py_ssize_t offset_of_buffer)
{
    PyTypeObject *self = (PyTypeObject *)type;
    buffer_offset = offset_of_buffer;
    _Py_atomic_store_ptr_relaxed(&cython_dealloc, (void *)self->tp_dealloc);
    self->tp_dealloc = untrack_and_dealloc;
    self->tp_traverse = traverse;
    self->tp_free = PyObject_GC_Del;
    self->tp_flags |= Py_TPFLAGS_HAVE_GC;
}

#else

static inline void
defer_if_shared(PyObject *object, int *deferred)
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
