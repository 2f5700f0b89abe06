/* Deallocating counters of our types and of types that extend them.
 *
 * Our types are heap types, so each instance holds a reference to its type.  The tp_dealloc that Cython makes always
 * drops that reference.  But a user's Cython class that extends a counter is a static type, unless it is built with
 * CYTHON_USE_TYPE_SPECS.  Its instances hold no reference to their type.  And if a Python class extends that Cython
 * class, CPython itself drops the reference.  So this file replaces tp_dealloc. */
#ifndef FASTCOUNTER_DEALLOC_H
#define FASTCOUNTER_DEALLOC_H

#include "cpython.h"

/* The tp_dealloc that Cython has made: one function for all types of a module, in all interpreters. */
static destructor cython_dealloc;

/* The one that takes its place: dealloc_counter(), or dealloc_map() of map.h, which calls it. */
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

static void
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
replace_dealloc_by(PyObject *type, destructor dealloc)
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

static inline void
replace_dealloc(PyObject *type)
{
    replace_dealloc_by(type, dealloc_counter);
}

#endif
