/* A counter: an object with a cell.
 *
 * With the GIL the cell is in the object's first field.  Without the GIL the field points to the cell.  Cython sees a
 * `void *`: an `object` would make the type one that the garbage collector tracks, and count references at each use. */
#ifndef FASTCOUNTER_COUNTER_H
#define FASTCOUNTER_COUNTER_H

#include "cell.h"
#include "deferred.h"
#include "types.h"

#define CELL_OFFSET FIRST_FIELD

#ifdef Py_GIL_DISABLED

typedef struct {
    counter_cell cell;
    uint8_t deferred;  /* whether the counter's reference counting is deferred; see deferred.h */
} cell_of_counter;

#  define FIELD(counter) (*(cell_of_counter **)((char *)(counter) + CELL_OFFSET))

/* -1 if memory runs out. */
static inline int
counter_init(PyObject *counter)
{
    cell_of_counter *field = FIELD(counter) = PyMem_RawCalloc(1, sizeof(cell_of_counter));
    if (field == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    cell_init(&field->cell, CELL_UNSYNCHRONIZED);
    return 0;
}

/* Call this before another thread can use the counter. */
static inline void
counter_set_kind(PyObject *counter, enum cell_kind kind)
{
    FIELD(counter)->cell.kind = (uint8_t)kind;
}

static inline void
counter_clear(PyObject *counter)
{
    if (FIELD(counter) != NULL) {
        cell_clear(&FIELD(counter)->cell);
        PyMem_RawFree(FIELD(counter));
    }
}

/* The counter's cell.  Defers the counter's reference counting, unless the running thread owns the cell. */
static inline counter_cell *
cell_of(PyObject *counter)
{
    cell_of_counter *field = FIELD(counter);
    if (!is_owner(&field->cell)) {
        defer_once(counter, &field->deferred);
    }
    return &field->cell;
}

#else

static inline counter_cell *
cell_of(PyObject *counter)
{
    return (counter_cell *)((char *)counter + CELL_OFFSET);
}

static inline int
counter_init(PyObject *counter)
{
    cell_init(cell_of(counter), CELL_UNSYNCHRONIZED);
    return 0;
}

static inline void
counter_set_kind(PyObject *counter, enum cell_kind kind)
{
    (void)counter, (void)kind;
}

static inline void
counter_clear(PyObject *counter)
{
    cell_clear(cell_of(counter));
}

#endif

/* ---- The type ---- */

static inline void
complete_counter_type(PyObject *type)
{
    replace_dealloc(type, dealloc_counter);
#if DEFERS
    make_collectable(type, visit_type, NULL);
#endif
}

#endif
