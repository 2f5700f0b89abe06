/* The slots of our types that Cython leaves out or fills in a way that does not suit: deallocating and traversing.
 *
 * Our types are heap types, so each instance holds a reference to its type.  The tp_dealloc that Cython makes always
 * drops that reference.  But a user's Cython class that extends a counter is a static type, unless it is built with
 * CYTHON_USE_TYPE_SPECS.  Its instances hold no reference to their type.  And if a Python class extends that Cython
 * class, CPython itself drops the reference.  So this file replaces tp_dealloc.
 *
 * Cython has the garbage collector track a type if its class has fields that are Python objects, at a cost of 16 bytes
 * an object with the GIL.  Our classes have none, and those that have to be tracked become so here.  All this happens
 * after Cython has made the types, before any instance or subclass that stays. */
#ifndef FASTCOUNTER_TYPES_H
#define FASTCOUNTER_TYPES_H

#include "cpython.h"

/* Cython puts the first field of our objects behind the pointer to their table of C-level calls. */
#define FIRST_FIELD (sizeof(PyObject) + sizeof(void *))

/* The tp_dealloc that Cython has made: one function for all types of a module, in all interpreters. */
static destructor cython_dealloc;

/* The one that takes its place: dealloc_counter(), or one that calls it. */
static destructor own_dealloc;

/* Whether our code has to visit and drop the object's reference to its type.  CPython leaves that to the first base
 * that is not a Python class, if that base is a heap type.  If it is a static type, CPython does it for instances of
 * Python classes, and instances of the static type itself hold no reference. */
static inline int
is_type_reference_ours(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    while (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) && type->tp_dealloc != own_dealloc) {
        type = type->tp_base;
    }
    return PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE);
}

/* The end of each function that traverses an object.  If CPython visited the type too, the collector would free a class
 * that is in use. */
static inline int
visit_type(PyObject *object, visitproc visit, void *arg)
{
    if (is_type_reference_ours(object)) {
        Py_VISIT(Py_TYPE(object));
    }
    return 0;
}

static inline void
dealloc_counter(PyObject *object)
{
    if (PyType_IS_GC(Py_TYPE(object))) {
        PyObject_GC_UnTrack(object);  /* the collector must not see an object that is being deallocated */
    }
    if (!is_type_reference_ours(object)) {
        Py_INCREF(Py_TYPE(object));
    }
    cython_dealloc(object);
}

/* Each interpreter has its own types, but these two are the same for all.  Only the first interpreter writes them,
 * because later ones would write while others read. */
static inline void
replace_dealloc(PyObject *type, destructor dealloc)
{
    PyTypeObject *self = (PyTypeObject *)type;
    if (own_dealloc != dealloc) {
        own_dealloc = dealloc;
    }
    if (cython_dealloc != self->tp_dealloc) {
        cython_dealloc = self->tp_dealloc;
    }
    self->tp_dealloc = dealloc;
}

/* Let the garbage collector track the type's instances.  `clear` may be NULL. */
static inline void
make_collectable(PyObject *type, traverseproc traverse, inquiry clear)
{
    PyTypeObject *self = (PyTypeObject *)type;
    self->tp_traverse = traverse;
    self->tp_clear = clear;
    self->tp_free = PyObject_GC_Del;
    self->tp_flags |= Py_TPFLAGS_HAVE_GC;
}

static inline int
is_immutable(PyObject *type)
{
    return PyType_HasFeature((PyTypeObject *)type, Py_TPFLAGS_IMMUTABLETYPE);
}

/* Make the type's attributes read-only, as those of CPython's built-in types are. */
static inline void
make_immutable(PyObject *type)
{
    ((PyTypeObject *)type)->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE;
    PyType_Modified((PyTypeObject *)type);
}

#endif
