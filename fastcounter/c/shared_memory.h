/* The type of objects that count in a buffer, which they hold as long as they live. */
#ifndef FASTCOUNTER_SHARED_MEMORY_H
#define FASTCOUNTER_SHARED_MEMORY_H

#include "deferred.h"
#include "types.h"

#if DEFERS

/* Where an object of this extension module has its Py_buffer. */
static Py_ssize_t place_of_buffer;

static int
traverse_buffer(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(((Py_buffer *)((char *)object + place_of_buffer))->obj);
    return visit_type(object, visit, arg);
}

#endif

static inline void
complete_shared_type(PyObject *type, Py_ssize_t offset_of_buffer)
{
    replace_dealloc(type, dealloc_counter);
#if DEFERS
    if (place_of_buffer != offset_of_buffer) {  /* only in the first interpreter: all of them share it */
        place_of_buffer = offset_of_buffer;
    }
    make_collectable(type, traverse_buffer, NULL);
#else
    (void)offset_of_buffer;
#endif
}

#endif
