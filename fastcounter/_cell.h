/* A cell is where a counter keeps its count.  This is what both kinds of build promise of it; how they keep the
 * promise is in _cell_gil.h and _cell_free_threaded.h, of which a build has one.
 *
 * A cell is a `void *` in the counter, and the functions take its address.  With the GIL it points to a Python
 * int, which lets the interpreter read it as it reads a slot; without, to a struct.  It is no `object` to Cython,
 * which would add cyclic garbage collection, and touch the reference count on its own at each use.
 *
 *   int cell_init(void **cell)                    make it, with a count of 0 and unsynchronized
 *   void cell_set_kind(void **cell, kind)         before other threads know the cell
 *   void cell_free(void **cell)
 *   PyObject *cell_get(void **cell)
 *   PyObject *cell_exchange(void **cell, count)   put in a new count, return the one before
 *   PyObject *cell_reset(void **cell)             the same with 0
 *   int cell_increment(void **cell)
 *   int cell_add(void **cell, amount)
 *   int cell_add_small_int(void **cell, object)   1 where any object was found to be a small int, and added
 *   PyObject *cell_increment_and_get(void **cell) return the new count
 *   PyObject *cell_add_and_get(void **cell, amount)
 *   void cells_prepare(int processors)            before the first cell
 *
 * Counts and amounts are exact ints of any size.  Each call is one atomic step as far as the kind of cell says.
 * It runs no Python code and takes no lock that a signal handler, a finaliser, a fork or the end of a thread could
 * find taken.  Where memory runs out it returns -1 or NULL, with MemoryError set and the count as it was.
 */
#ifndef FASTCOUNTER_CELL_H
#define FASTCOUNTER_CELL_H

#include "_cpython.h"

/* Where Cython puts a counter's cell: behind the table of C-level calls. */
#define CELL_OFFSET (sizeof(PyObject) + sizeof(void *))

/* What threads may do to one cell at the same time on a free-threaded build.  With the GIL all are the same. */
enum cell_kind {
    CELL_UNSYNCHRONIZED,  /* anything, safely; but additions may overwrite each other */
    CELL_ATOMIC,          /* anything: every call is exact */
    CELL_STRIPED,         /* the same; threads that add do so in memory of their own, and reading adds up */
};

#ifdef Py_GIL_DISABLED
#  include "_cell_free_threaded.h"
#else
#  include "_cell_gil.h"
#endif

#endif
