/* The cell of free-threaded builds: a struct that threads share.  cell.h says what the functions do.
 *
 * Thread safety:
 *
 *   - All access to `count`, `table`, `offset`, `version` and the stripes is atomic, with one exception.  The thread
 *     that holds the lock reads `offset` and `version` directly, because no other thread can write them then.
 *   - If several threads may add to a word, an addition is one atomic read-modify-write, so none is lost.  (In an
 *     unsynchronized cell an addition is a load and a store.)
 *   - Only the thread that owns a striped cell adds to its `count`.  All other threads only read it.  So an addition to
 *     it needs no locked instruction.
 *   - `large`, `offset` and `version` change only while the lock is held.  The `large` of a striped cell is also read
 *     without the lock, so it is stored atomically, and read atomically where the lock is not held.
 *   - A thread makes new objects before it takes the lock, and drops old ones after it has released the lock.  While it
 *     holds the lock it only loads and stores memory.  No fork, signal handler or finalizer meets a lock that nobody
 *     will release; see lock.h.
 */

#include <stdint.h>
#include <string.h>

#include "cache_lines.h"
#include "integers.h"
#include "lock.h"
#include "thread.h"

/* A part of a striped count.  It has cache lines of its own. */
typedef struct {
    int64_t part;
    char padding[CACHE_LINES - sizeof(int64_t)];
} stripe;

/* The stripes of a cell.  A table lives as long as the cell: a thread may still be using it when a larger one replaces
 * it. */
typedef struct stripe_table {
    struct stripe_table *previous;  /* the table that this one replaced; its stripes are the first half of these */
    int number;                     /* of stripes, a power of two */
    stripe *stripes[];
} stripe_table;

typedef struct {
    int64_t count;         /* striped: the part of the thread that owns the cell; otherwise the count, or IS_LARGE */
    stripe_table *table;   /* striped: NULL until a thread that does not own the cell adds to it */
    uintptr_t owner;       /* the thread that made the cell; it never changes.  See is_owner(). */
    uint8_t kind;          /* an enum cell_kind */
    int locked;
    PyObject *large;       /* striped: a summand of the count, or NULL for 0; otherwise the count if it IS_LARGE */
    int64_t offset;        /* striped: a summand of the count; it lets a reset leave the parts alone */
    int64_t version;       /* striped: odd while `offset` changes together with `large` or a part */
} counter_cell;

/* Tests compile this file with much smaller limits, to reach each limit in a few steps. */
#ifndef ADD_LIMIT
#  define ADD_LIMIT ((int64_t)1 << 32)   /* larger amounts take the slow path */
#endif
#ifndef PART_LIMIT
#  define PART_LIMIT ((int64_t)1 << 55)  /* keeps the sum of the parts and `offset` below 2**63 */
#endif
#ifndef OFFSET_LIMIT
#  define OFFSET_LIMIT ((int64_t)1 << 60)
#endif
#ifndef COUNT_LIMIT
#  define COUNT_LIMIT ((int64_t)1 << 62)
#endif
#ifndef LARGE
#  define LARGE (INT64_MIN + ((int64_t)1 << 60))  /* far from all counts, even if threads add to it */
#endif
#ifndef MAX_STRIPES
#  define MAX_STRIPES 64
#endif
#ifndef PROBE_EVERY
#  define PROBE_EVERY 61  /* odd, as amounts are often multiples of 2 */
#endif
#define IS_LARGE(count) ((count) < -COUNT_LIMIT - (COUNT_LIMIT >> 1))

static inline void
lock(counter_cell *self)
{
    spin_lock(&self->locked);
}

static inline void
unlock(counter_cell *self)
{
    spin_unlock(&self->locked);
}

/* Whether the running thread owns the cell.
 *
 * A thread's id comes back only when the thread has ended.  A new thread with that id then owns the cell, and goes on
 * from the part that the old thread left.  It sees all of that thread's stores: the id is the address of memory that
 * belongs to the thread, and the C library gives this memory to a new thread only after the old one's last access to
 * it.  In a forked child the forking thread keeps its id, and no other thread of the parent runs. */
static inline int
is_owner(const counter_cell *self)
{
    return is_running_thread(self->owner);
}

static inline void
cell_init(counter_cell *self, enum cell_kind kind)
{
    memset(self, 0, sizeof(counter_cell));
    self->owner = running_thread();
    self->kind = (uint8_t)kind;
}

static inline void
cell_clear(counter_cell *self)
{
    Py_XDECREF(self->large);
    for (stripe_table *table = self->table, *previous; table != NULL; table = previous) {
        previous = table->previous;
        PyMem_RawFree(table);
    }
}

static void make_room(counter_cell *self, int64_t *part, const size_t *resets);  /* see "Any kind" */

/* ---- Unsynchronized and atomic: one word ----
 *
 * The count is in `count`.  If the count is too large, `count` IS_LARGE and the whole count is in `large`.  An addition
 * tells what `count` was before.  If `count` was large then, the addition had no effect and is repeated on `large`. */

/* Add to `count` and set `after` to the new count.  Returns 0, with the count unchanged, if the count is large. */
static inline Py_ALWAYS_INLINE int
add_to_word(counter_cell *self, int64_t amount, int64_t *after)
{
    int64_t before = _Py_atomic_load_int64_relaxed(&self->count);
    if (IS_LARGE(before)) {
        return 0;
    }
    if (self->kind == CELL_UNSYNCHRONIZED) {
        _Py_atomic_store_int64_relaxed(&self->count, before + amount);
    }
    else {
        before = _Py_atomic_add_int64(&self->count, amount);
        if (IS_LARGE(before)) {
            return 0;
        }
    }
    *after = before + amount;
    if (!fits(*after, COUNT_LIMIT)) {
        make_room(self, NULL, NULL);
    }
    return 1;
}

/* Get the count, and the value of `count` that it comes from. */
static PyObject *
get_word(counter_cell *self, int64_t *word)
{
    PyObject *large = NULL;
    *word = _Py_atomic_load_int64(&self->count);
    if (IS_LARGE(*word)) {
        lock(self);
        *word = _Py_atomic_load_int64(&self->count);
        if (IS_LARGE(*word)) {
            large = Py_NewRef(self->large);
        }
        unlock(self);
    }
    return large != NULL ? large : PyLong_FromLongLong(*word);
}

/* Set a new count, unless the count has changed since get_word().  Returns whether it was set. */
static int
replace_word(counter_cell *self, int64_t word, PyObject *before, PyObject *after)
{
    PyObject *dropped = NULL, *large = NULL;
    int64_t new_word;
    if (!int_fits(after, COUNT_LIMIT, &new_word)) {
        new_word = LARGE;
        large = Py_NewRef(after);
    }
    int done;
    lock(self);
    if (!IS_LARGE(word)) {
        done = _Py_atomic_compare_exchange_int64(&self->count, &word, new_word);
    }
    else if ((done = self->large == before)) {
        /* So `count` still IS_LARGE.  In an unsynchronized cell an addition may have overwritten it, and is lost. */
        _Py_atomic_store_int64(&self->count, new_word);
    }
    if (done) {
        dropped = self->large;
        self->large = large;
    }
    unlock(self);
    Py_XDECREF(done ? dropped : large);
    return done;
}

/* ---- Striped ----
 *
 * The count is the sum of `count`, the stripes, `offset` and `large`.  As long as only the owner of the cell adds, it
 * adds to `count`.  As soon as there are stripes, every thread adds to a stripe, the owner too: the cache line of
 * `count` is one that every thread reads.
 *
 * A read counts each addition that happened before it, in the sense of C: an addition is at least a release store, and
 * a message that the reader has since received orders the two.  The store of the owner may still wait in its processor
 * while the owner reads another counter.  So additions to several counters have no one order; a locked instruction
 * would give them one, and would take longer than the whole addition. */

static int stripe_limit;  /* a power of two; each extension module has its own, and sets it before its first cell */

/* Allow at least two stripes for each processor, up to MAX_STRIPES.  Threads that rarely run have stripes too. */
static void
cells_prepare(int processors)
{
    int none = 0, limit = 2;
    while (limit < 2 * processors && limit < MAX_STRIPES) {
        limit *= 2;
    }
    _Py_atomic_compare_exchange_int(&stripe_limit, &none, limit);
}

/* The running thread's number, which chooses its stripe in every cell of this extension module; 0 until it needs one.
 * All threads take their numbers from one sequence of the module, so two threads that meet and both take the next one
 * move to different stripes. */
static THREAD_LOCAL int64_t thread_number;
static int64_t last_thread_number;

static Py_NO_INLINE int64_t
take_thread_number(void)
{
    return thread_number = _Py_atomic_add_int64(&last_thread_number, 1) + 1;
}

/* Make a table of twice as many stripes.  The new stripes follow it in the same memory.  NULL if memory runs out. */
static stripe_table *
make_table(stripe_table *previous)
{
    int old = previous == NULL ? 0 : previous->number;
    int number = previous == NULL ? 2 : 2 * old;
    size_t size = sizeof(stripe_table) + number * sizeof(stripe *) + (number - old + 1) * sizeof(stripe);
    stripe_table *table = PyMem_RawCalloc(1, size);
    if (table == NULL) {
        return NULL;
    }
    stripe *new_stripes = align(&table->stripes[number], CACHE_LINES);
    for (int index = 0; index < number; index++) {
        table->stripes[index] = index < old ? previous->stripes[index] : &new_stripes[index - old];
    }
    table->previous = previous;
    table->number = number;
    return table;
}

/* Double the number of stripes, up to the limit, and return the cell's table.  Existing stripes stay where they are. */
static stripe_table *
grow(counter_cell *self, stripe_table *table)
{
    if (table != NULL && table->number >= _Py_atomic_load_int_relaxed(&stripe_limit)) {
        return table;
    }
    stripe_table *grown = make_table(table);
    if (grown == NULL) {
        return table;
    }
    if (!_Py_atomic_compare_exchange_ptr(&self->table, &table, grown)) {
        PyMem_RawFree(grown);
        return table;  /* another thread was first */
    }
    return grown;
}

/* Threads have met on a stripe.  Give the cell more stripes, or if it has as many as allowed, move this thread to
 * another stripe, as in Java's Striped64. */
static Py_NO_INLINE void
avoid_others(counter_cell *self, stripe_table *table)
{
    if (grow(self, table) == table) {
        take_thread_number();
    }
}

/* Add to the running thread's stripe.  Returns 0, with the count unchanged, if there is no memory for stripes.
 *
 * To see whether threads meet on a stripe, one addition of many first makes a compare-and-exchange that changes
 * nothing.  It fails if another thread adds at that moment.  A read does not care which stripe a thread adds to. */
static inline Py_ALWAYS_INLINE int
add_to_stripe(counter_cell *self, int64_t amount, const size_t *resets)
{
    stripe_table *table = _Py_atomic_load_ptr_acquire(&self->table);
    if (table == NULL && (table = grow(self, NULL)) == NULL) {
        return 0;
    }
    int64_t number = thread_number != 0 ? thread_number : take_thread_number();
    int64_t *part = &table->stripes[number & (table->number - 1)]->part;
    int64_t before = _Py_atomic_load_int64_relaxed(part);
    if (before % PROBE_EVERY == 0 && !_Py_atomic_compare_exchange_int64(part, &before, before)) {
        avoid_others(self, table);
    }
    before = _Py_atomic_add_int64(part, amount);
    if (!fits(before + amount, PART_LIMIT)) {
        make_room(self, part, resets);
    }
    return 1;
}

/* Add to `count` if the running thread owns the cell and there are no stripes, otherwise to its stripe.  Returns 0,
 * with the count unchanged, if there is no memory for stripes. */
static inline Py_ALWAYS_INLINE int
add_striped(counter_cell *self, int64_t amount, const size_t *resets)
{
    if (_Py_atomic_load_ptr_relaxed(&self->table) != NULL || !is_owner(self)) {
        return add_to_stripe(self, amount, resets);
    }
    int64_t after = _Py_atomic_load_int64_relaxed(&self->count) + amount;
    _Py_atomic_store_uint64_release((uint64_t *)&self->count, (uint64_t)after);
    if (!fits(after, PART_LIMIT)) {
        make_room(self, &self->count, resets);
    }
    return 1;
}

static inline int64_t
sum_of_parts(counter_cell *self)
{
    int64_t sum = _Py_atomic_load_int64(&self->count);
    stripe_table *table = _Py_atomic_load_ptr_acquire(&self->table);
    for (int index = 0; table != NULL && index < table->number; index++) {
        sum += _Py_atomic_load_int64(&table->stripes[index]->part);
    }
    return sum;
}

/* What a striped cell contained: its version, and the sum of its parts. */
typedef struct {
    int64_t version;
    int64_t parts;
} snapshot;

/* Get the count, and the snapshot that it comes from. */
static PyObject *
get_striped(counter_cell *self, snapshot *seen)
{
    lock(self);
    seen->version = self->version;
    seen->parts = sum_of_parts(self);
    int64_t sum = self->offset + seen->parts;
    PyObject *large = Py_XNewRef(self->large);
    unlock(self);
    PyObject *count = PyLong_FromLongLong(sum);
    if (large != NULL && count != NULL) {
        Py_SETREF(count, PyNumber_Add(large, count));
    }
    Py_XDECREF(large);
    return count;
}

/* Set a new count, unless another thread has set one since get_striped().  What threads have added since then is kept.
 * Returns whether it was set. */
static int
replace_striped(counter_cell *self, const snapshot *seen, PyObject *after)
{
    PyObject *dropped = NULL, *large = NULL;
    int64_t offset;
    if (!int_fits(after, OFFSET_LIMIT, &offset)) {
        offset = 0;
        large = Py_NewRef(after);
    }
    lock(self);
    int done = self->version == seen->version;
    if (done) {
        _Py_atomic_store_int64(&self->version, seen->version + 1);
        _Py_atomic_store_int64(&self->offset, offset - seen->parts);
        dropped = self->large;
        _Py_atomic_store_ptr_release(&self->large, large);
        _Py_atomic_store_int64(&self->version, seen->version + 2);
    }
    unlock(self);
    Py_XDECREF(done ? dropped : large);
    return done;
}

/* Move the contents of a part to `offset`.  Only a thread that adds to the part may do that. */
static void
drain(counter_cell *self, int64_t *part)
{
    lock(self);
    _Py_atomic_store_int64(&self->version, self->version + 1);
    int64_t drained = _Py_atomic_load_int64(part);
    if (part == &self->count) {
        _Py_atomic_store_int64(part, 0);
    }
    else {
        _Py_atomic_add_int64(part, -drained);
    }
    _Py_atomic_store_int64(&self->offset, self->offset + drained);
    _Py_atomic_store_int64(&self->version, self->version + 1);
    unlock(self);
}

/* Read the count without the lock.  Returns 0 if there is a `large`, or if `version` changes meanwhile. */
static inline int
sum_striped(counter_cell *self, int64_t *sum)
{
    int64_t version = _Py_atomic_load_int64(&self->version);
    int is_stable = (version & 1) == 0 && _Py_atomic_load_ptr_acquire(&self->large) == NULL;
    *sum = _Py_atomic_load_int64(&self->offset);
    *sum += sum_of_parts(self);
    return is_stable && _Py_atomic_load_int64(&self->version) == version;
}

/* ---- Any kind ---- */

/* A count that was read, and what the cell contained then. */
typedef struct {
    PyObject *count;  /* a strong reference */
    int64_t word;     /* of a cell that is not striped: `count` */
    snapshot seen;    /* of a striped cell */
} reading;

/* Read the count.  Returns 0 if memory runs out. */
static int
read_count(counter_cell *self, reading *before)
{
    if (self->kind == CELL_STRIPED) {
        before->count = get_striped(self, &before->seen);
    }
    else {
        before->count = get_word(self, &before->word);
    }
    return before->count != NULL;
}

/* Set a new count, unless another thread has set one since read_count().  Returns whether it was set. */
static int
replace_count(counter_cell *self, const reading *before, PyObject *after)
{
    if (self->kind == CELL_STRIPED) {
        return replace_striped(self, &before->seen, after);
    }
    return replace_word(self, before->word, before->count, after);
}

/* Add, and set `sum` to the new count.  Returns -1 if memory runs out, and 0 if the cell has gone.  To add to a count of
 * 0 takes no memory, unless other threads add too.
 *
 * To drop an int may stop the thread.  So after that, this touches the cell of a table only if no reset has come
 * between; and from that look on until the count is set, nothing stops the thread. */
static int
add_anew(counter_cell *self, PyObject *amount, const size_t *resets, PyObject **sum)
{
    size_t resets_before = resets == NULL ? 0 : *resets;
    while (resets == NULL || *resets == resets_before) {
        reading before = {0};
        if (!read_count(self, &before)) {
            return -1;
        }
        int is_zero = before.count == Py_GetConstantBorrowed(Py_CONSTANT_ZERO);
        PyObject *after = is_zero ? Py_NewRef(amount) : PyNumber_Add(before.count, amount);
        int is_there = resets == NULL || *resets == resets_before;
        int done = after != NULL && is_there && replace_count(self, &before, after);
        Py_DECREF(before.count);
        if (after == NULL) {
            return -1;
        }
        if (done) {
            *sum = after;
            return 1;
        }
        Py_DECREF(after);
    }
    return 0;
}

/* Make room in a count or a part that comes close to the limits of 64 bits.  If memory runs out, a count stays as it
 * is, and a drained part stays in `offset`: there is room for many more additions, and a later one tries again. */
static Py_NO_INLINE void
make_room(counter_cell *self, int64_t *part, const size_t *resets)
{
    if (self->kind == CELL_STRIPED) {
        drain(self, part);
    }
    PyObject *count = NULL;
    if (add_anew(self, Py_GetConstantBorrowed(Py_CONSTANT_ZERO), resets, &count) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(count);
}

/* Add a small amount.  Returns 0, with the count unchanged, if that takes the slow path. */
static inline Py_ALWAYS_INLINE int
add_small(counter_cell *self, int64_t amount, const size_t *resets)
{
    int64_t after;
    return self->kind == CELL_STRIPED ? add_striped(self, amount, resets) : add_to_word(self, amount, &after);
}

/* The slow path of an addition.  Returns what add_anew() returns. */
static int
add_large(counter_cell *self, PyObject *amount, const size_t *resets)
{
    PyObject *after = NULL;
    int status = add_anew(self, amount, resets, &after);
    Py_XDECREF(after);
    return status;
}

static Py_NO_INLINE int
step_anew(counter_cell *self, int step, const size_t *resets)
{
    PyObject *amount = PyLong_FromLong(step);  /* a small int, for which there always is memory */
    int status = add_large(self, amount, resets);
    Py_DECREF(amount);
    return status;
}

static inline Py_ALWAYS_INLINE int
cell_step(counter_cell *self, int step, const size_t *resets)
{
    return add_small(self, step, resets) ? 1 : step_anew(self, step, resets);
}

static inline int
cell_try_add(counter_cell *self, PyObject *amount)
{
    int64_t value;
    return PyLong_CheckExact(amount) && compact_int_value(amount, &value) && fits(value, ADD_LIMIT)
        && add_small(self, value, NULL);
}

static inline Py_ALWAYS_INLINE int
cell_add(counter_cell *self, PyObject *amount, const size_t *resets)
{
    int64_t value;
    return int_fits(amount, ADD_LIMIT, &value) && add_small(self, value, resets) ? 1 : add_large(self, amount, resets);
}

/* If there is no memory for the new count, the addition stands.  Other threads may have counted on from it, and if it
 * were subtracted again, two calls could return one number.  To make an int before the addition would take each call
 * four percent longer. */
static inline PyObject *
cell_increment_and_get(counter_cell *self)
{
    int64_t after;
    if (add_to_word(self, 1, &after)) {
        return PyLong_FromLongLong(after);
    }
    PyObject *sum = NULL;
    add_anew(self, Py_GetConstantBorrowed(Py_CONSTANT_ONE), NULL, &sum);
    return sum;
}

static inline PyObject *
cell_add_and_get(counter_cell *self, PyObject *amount)
{
    int64_t value, after;
    if (int_fits(amount, ADD_LIMIT, &value) && add_to_word(self, value, &after)) {
        return PyLong_FromLongLong(after);
    }
    PyObject *sum = NULL;
    add_anew(self, amount, NULL, &sum);
    return sum;
}

static inline PyObject *
cell_get(counter_cell *self)
{
    int64_t count;
    snapshot seen;
    if (self->kind != CELL_STRIPED) {
        return get_word(self, &count);
    }
    return sum_striped(self, &count) ? PyLong_FromLongLong(count) : get_striped(self, &seen);
}

static inline PyObject *
cell_exchange(counter_cell *self, PyObject *count)
{
    reading before = {0};
    while (read_count(self, &before)) {
        if (replace_count(self, &before, count)) {
            return before.count;
        }
        Py_DECREF(before.count);
    }
    return NULL;
}

static inline PyObject *
cell_reset(counter_cell *self)
{
    return cell_exchange(self, Py_GetConstantBorrowed(Py_CONSTANT_ZERO));
}
