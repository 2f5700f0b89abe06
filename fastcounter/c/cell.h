/* A cell is where a counter keeps its count.  This file says what a cell does.  A build has one implementation: either
 * cell_gil.h or cell_free_threaded.h.
 *
 * With the GIL a cell is a slot with a Python int, so that the interpreter can read the count as it reads a slot.
 * Without the GIL it is a struct that threads share.
 *
 * Counts and amounts are exact ints of any size.  Each call is atomic, as far as the kind of cell allows.  No call runs
 * Python code.  No signal handler, finalizer or forked child ever waits for a lock that nobody will release.  If memory
 * runs out, a call returns -1 or NULL with MemoryError set, and the count stays unchanged.  There is one exception:
 * without the GIL, cell_increment_and_get() and cell_add_and_get() may have added if there is no memory for the result.
 */
#ifndef FASTCOUNTER_CELL_H
#define FASTCOUNTER_CELL_H

#include "cpython.h"

/* What happens if threads use a cell at the same time on a free-threaded build.  With the GIL all kinds are alike. */
enum cell_kind {
    CELL_UNSYNCHRONIZED,  /* nothing breaks, but one addition may overwrite another */
    CELL_ATOMIC,          /* each call is exact */
    CELL_STRIPED,         /* each call is exact; threads add to different stripes, and a read adds these up */
};

#ifdef Py_GIL_DISABLED
#  include "cell_free_threaded.h"
#else
#  include "cell_gil.h"
#endif

/* The compiler holds both implementations to this.  First call cells_prepare(). */
static inline void cells_prepare(int processors);

/* The count is 0.  This cannot fail. */
static inline void cell_init(counter_cell *cell, enum cell_kind kind);

static inline void cell_clear(counter_cell *cell);
static inline PyObject *cell_get(counter_cell *cell);

/* Add 1 or -1, or any int.  Returns 1, or -1 if memory runs out.
 *
 * `resets` is NULL, or for a cell in a table the number of resets of that table.  A reset may come at any point at which
 * CPython can stop the thread, and it takes all cells away.  If one comes before the addition, these return 0, and have
 * changed nothing. */
static inline int cell_step(counter_cell *cell, int step, const size_t *resets);
static inline int cell_add(counter_cell *cell, PyObject *amount, const size_t *resets);

/* Take any object.  If it is a small int that can be added quickly, add it and return 1.  Otherwise return 0. */
static inline int cell_try_add(counter_cell *cell, PyObject *object);

/* Add, and return the new count.  The kind must not be CELL_STRIPED. */
static inline PyObject *cell_increment_and_get(counter_cell *cell);
static inline PyObject *cell_add_and_get(counter_cell *cell, PyObject *amount);

/* Set a new count or 0, and return the previous count. */
static inline PyObject *cell_exchange(counter_cell *cell, PyObject *count);
static inline PyObject *cell_reset(counter_cell *cell);

#endif
