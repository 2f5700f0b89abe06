/* The cell of builds with the GIL: a slot with an exact Python int.  cell.h says what the functions do.
 *
 * Thread safety: every caller holds the GIL.  Between reading a cell and writing it, no function here runs Python code
 * or releases the GIL.  (Adding two exact ints runs no Python code.  Neither does deallocating one.)  So no lock is
 * needed.
 */

#include <stdint.h>

#include "integers.h"

typedef PyObject *counter_cell;

#if KNOWN_CPYTHON

#  if PY_VERSION_HEX >= CPYTHON(12)
#    define INT_TAG(number) (((PyLongObject *)(number))->long_value.lv_tag)
#    define INT_DIGITS(number) (((PyLongObject *)(number))->long_value.ob_digit)
#    define INT_IS_POSITIVE(number) ((INT_TAG(number) & _PyLong_SIGN_MASK) == 0)
#    define INT_HAS_MANY_DIGITS(number) (INT_TAG(number) >= (2 << _PyLong_NON_SIZE_BITS))
#  else
#    define INT_DIGITS(number) (((PyLongObject *)(number))->ob_digit)
#    define INT_IS_POSITIVE(number) (Py_SIZE(number) > 0)
#    define INT_HAS_MANY_DIGITS(number) (Py_SIZE(number) > 1 || Py_SIZE(number) < -1)
#  endif

/* CPython shares one object for each int up to 256, and up to 1,024 from 3.15 on. */
#  define ABOVE_SMALL_INTS 1025

/* Add `amount`, which has at most one digit, to the int `count` in place.  Returns 0, with nothing changed, if that is
 * not possible.
 *
 * Nobody can see an int change.  If its reference count is 1, the cell holds the only reference.  A reader takes
 * another reference, and the next addition then makes a new int.  The reference count of a small int is never 1: small
 * ints are immortal, or CPython holds a reference too.  The result is an int that CPython itself could have made:
 * positive, with as many digits as before, and not small. */
static inline int
int_add_in_place(PyObject *count, long amount)
{
    if (Py_REFCNT(count) != 1 || !INT_IS_POSITIVE(count)) {
        return 0;
    }
    long lowest = (long)INT_DIGITS(count)[0] + amount;
    if ((unsigned long)lowest > (unsigned long)PyLong_MASK) {
        return 0;
    }
    if (amount < 0 && lowest < ABOVE_SMALL_INTS && !INT_HAS_MANY_DIGITS(count)) {
        return 0;
    }
    INT_DIGITS(count)[0] = (digit)lowest;
    return 1;
}

/* From 3.11 CPython keeps its small ints in one array, so the value of a small int gives its address.  `small_ints` is
 * the address of 0, and `small_ints_size` the size of the array from there on, in bytes.  All interpreters share the
 * array, and each that imports the module writes the same values here.  An interpreter that sees only one of them
 * written finds no int in the array.  On 3.10 each interpreter makes its own small ints, and frees them when it is
 * closed.  So there the array stays empty. */
static uintptr_t small_ints;
static uintptr_t small_ints_size;

static void
cells_prepare(int processors)
{
    PyObject *zero = PyLong_FromLong(0), *number = zero;
    uintptr_t size = 0;
    (void)processors;
    while (PY_VERSION_HEX >= CPYTHON(11) && number != NULL && (uintptr_t)number == (uintptr_t)zero + size
           && size < ABOVE_SMALL_INTS * sizeof(PyLongObject)) {
        size += sizeof(PyLongObject);
        Py_DECREF(number);
        number = PyLong_FromLong((long)(size / sizeof(PyLongObject)));
    }
    Py_XDECREF(number);
    PyErr_Clear();
    small_ints = (uintptr_t)zero;
    small_ints_size = size;
}

/* Add a small int, which is so far from 0 in the array.  That is possible in place, or if both the count and the sum are
 * small ints.  Otherwise returns 0, with nothing changed. */
static inline int
cell_add_small(counter_cell *cell, long amount, intptr_t offset)
{
    PyObject *count = *cell;
    if (int_add_in_place(count, amount)) {
        return 1;
    }
    uintptr_t sum = (uintptr_t)count - small_ints + (uintptr_t)offset;
    if ((uintptr_t)count - small_ints >= small_ints_size || sum >= small_ints_size) {
        return 0;
    }
    *cell = (PyObject *)(small_ints + sum);
#  if PY_VERSION_HEX < CPYTHON(12)  /* from 3.12 small ints are immortal */
    Py_INCREF(*cell);
    Py_DECREF(count);
#  endif
    return 1;
}

static inline int
cell_try_add(counter_cell *cell, PyObject *amount)
{
    uintptr_t offset = (uintptr_t)amount - small_ints;
    return offset < small_ints_size && cell_add_small(cell, (long)(offset / sizeof(PyLongObject)), (intptr_t)offset);
}

static inline int
cell_try_step(counter_cell *cell, int step)
{
    return cell_add_small(cell, step, step * (intptr_t)sizeof(PyLongObject));
}

#else

static inline int
int_add_in_place(PyObject *count, long amount)
{
    (void)count, (void)amount;
    return 0;
}

static inline int
cell_try_add(counter_cell *cell, PyObject *amount)
{
    (void)cell, (void)amount;
    return 0;
}

static inline int
cell_try_step(counter_cell *cell, int step)
{
    (void)cell, (void)step;
    return 0;
}

static inline void
cells_prepare(int processors)
{
    (void)processors;
}

#endif

/* 0 is a small int, so there always is memory for it. */
static inline void
cell_init(counter_cell *cell, enum cell_kind kind)
{
    (void)kind;
    *cell = PyLong_FromLong(0);
}

static inline void
cell_clear(counter_cell *cell)
{
    Py_XDECREF(*cell);
}

static inline PyObject *
cell_get(counter_cell *cell)
{
    PyObject *count = *cell;
    Py_INCREF(count);
    return count;
}

static inline PyObject *
cell_exchange(counter_cell *cell, PyObject *count)
{
    PyObject *before = *cell;
    Py_INCREF(count);
    *cell = count;
    return before;
}

/* Set a count that was just made, and return 1.  If it is NULL, since memory ran out, return -1. */
static inline int
cell_replace(counter_cell *cell, PyObject *count)
{
    PyObject *before = *cell;
    if (count == NULL) {
        return -1;
    }
    *cell = count;
    Py_DECREF(before);
    return 1;
}

static inline PyObject *
cell_reset(counter_cell *cell)
{
    PyObject *before = *cell;
    cell_init(cell, CELL_UNSYNCHRONIZED);
    return before;
}

/* Add by making a new int.  PyLong_FromLongLong() makes one of the right size, while PyNumber_Add() reserves a digit
 * more.  To add to a count of 0 takes no memory, whatever the amount. */
static int
cell_add_anew(counter_cell *cell, PyObject *amount)
{
    int64_t before, added;
    PyObject *count = *cell;
    int is_small = int_fits(count, INT64_MAX / 2, &before);
    if (is_small && before == 0) {
        return cell_replace(cell, Py_NewRef(amount));
    }
    if (is_small && int_fits(amount, INT64_MAX / 2, &added)) {
        return cell_replace(cell, PyLong_FromLongLong(before + added));
    }
    return cell_replace(cell, PyNumber_Add(count, amount));
}

static Py_NO_INLINE int
cell_step_anew(counter_cell *cell, int step)
{
    PyObject *amount = PyLong_FromLong(step);
    int status = cell_add_anew(cell, amount);
    Py_DECREF(amount);
    return status;
}

static inline int
cell_step(counter_cell *cell, int step, const size_t *resets)
{
    (void)resets;
    return cell_try_step(cell, step) ? 1 : cell_step_anew(cell, step);
}

static inline int
cell_add(counter_cell *cell, PyObject *amount, const size_t *resets)
{
    int64_t value;
    (void)resets;
    if (cell_try_add(cell, amount)) {
        return 1;
    }
    if (int_fits(amount, PyLong_BASE, &value) && int_add_in_place(*cell, (long)value)) {
        return 1;
    }
    return cell_add_anew(cell, amount);
}

static inline PyObject *
cell_increment_and_get(counter_cell *cell)
{
    return cell_step(cell, 1, NULL) < 0 ? NULL : cell_get(cell);
}

static inline PyObject *
cell_add_and_get(counter_cell *cell, PyObject *amount)
{
    return cell_add(cell, amount, NULL) < 0 ? NULL : cell_get(cell);
}
