/* The cell of free-threaded builds: a struct that threads share.  _cell.h says what the functions promise.
 *
 * Why threads may share it:
 *
 *   - `count` and the stripes are touched by atomic operations only, and added to by whole ones, so that no
 *     addition is lost.  (In an unsynchronized cell an addition is a load and a store, as its kind says.)
 *   - `large`, `taken` and `version` change only with the lock held.  What is put there was made before, and what
 *     was there is dropped after: the lock is held for some loads and stores of memory and never while anything is
 *     allocated, dropped or waited for.
 *
 * Why no fork, signal handler or finaliser finds the lock taken: its holder runs no Python code and does nothing
 * that lets CPython stop the thread; nor does a thread that waits for it, which spins and yields the processor,
 * but keeps its thread state attached.  Before a fork CPython stops all threads (python/cpython#116522), and each
 * of them gets to where it may be stopped without the lock.  A PyMutex would not do: a thread that waits for one
 * may be stopped while the mutex is handed over to it, and the child would find it taken by nobody.
 */

#include <stdint.h>

#ifdef MS_WINDOWS
#  include <windows.h>
#  define YIELD() ((void)SwitchToThread())
#  define THREAD_LOCAL __declspec(thread)
#else
#  include <sched.h>
#  define YIELD() ((void)sched_yield())
#  define THREAD_LOCAL _Thread_local
#endif

typedef struct {
    int64_t part;
    char padding[128 - sizeof(int64_t)];  /* two cache lines, as processors fetch them in pairs */
} stripe;

typedef struct {
    int64_t count;          /* striped: what the first thread that wrote has added; else the count, or IS_LARGE */
    enum cell_kind kind;
    int locked;
    PyObject *large;        /* not striped: the count while it IS_LARGE */
    PyObject *taken;        /* striped: what has been taken out of `count` and the stripes; NULL for 0 */
    int64_t version;        /* striped: odd while something is being taken out */
    int64_t first_writer;   /* striped: the number of the thread that adds to `count`, or 0 */
    void *stripes;          /* striped: their memory, see stripes_in(); NULL until a second thread writes */
} counter_cell;

#define CELL(cell) ((counter_cell *)*(cell))

#define ADD_LIMIT ((int64_t)1 << 32)     /* larger amounts take the way of large counts */
#define PART_LIMIT ((int64_t)1 << 56)    /* so that all stripes together stay below 2**63 */
#define COUNT_LIMIT ((int64_t)1 << 62)
#define LARGE (INT64_MIN + ((int64_t)1 << 60))  /* far from all counts, whatever is added to it too late */
#define IS_LARGE(count) ((count) < -COUNT_LIMIT - (COUNT_LIMIT >> 1))

static inline void
lock(counter_cell *self)
{
    int unlocked = 0;
    for (int spins = 0; !_Py_atomic_compare_exchange_int(&self->locked, &unlocked, 1); spins++) {
        unlocked = 0;
        if (spins > 10) {
            YIELD();
        }
    }
}

static inline void
unlock(counter_cell *self)
{
    _Py_atomic_store_int_release(&self->locked, 0);
}

static inline int
fits(int64_t number, int64_t limit)
{
    return -limit < number && number < limit;
}

/* Whether an int is between -limit and limit, and then its value. */
static inline int
int_fits(PyObject *number, int64_t limit, int64_t *value)
{
    int overflow;
    *value = PyLong_AsLongLongAndOverflow(number, &overflow);
    return !overflow && fits(*value, limit);
}

static int
cell_init(void **cell)
{
    *cell = PyMem_RawCalloc(1, sizeof(counter_cell));
    if (*cell == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static inline void
cell_set_kind(void **cell, enum cell_kind kind)
{
    CELL(cell)->kind = kind;
}

static void
cell_free(void **cell)
{
    counter_cell *self = CELL(cell);
    if (self != NULL) {
        Py_XDECREF(self->large);
        Py_XDECREF(self->taken);
        PyMem_RawFree(self->stripes);
        PyMem_RawFree(self);
    }
}

/* ---- Unsynchronized and atomic: one word ----
 *
 * The count is in `count`, or where it is too large for that, `count` IS_LARGE and the whole count is in `large`.
 * Whoever adds looks at what was there: either it was a count, and the addition is done, or it was not, and is
 * done again in `large`. */

/* Add to `count` and give the new count; 0, with the count unchanged, where it is large. */
static inline int
word_add(counter_cell *self, int64_t amount, int64_t *after)
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
    return 1;
}

/* The count, and the word that said so. */
static PyObject *
word_get(counter_cell *self, int64_t *word)
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

/* Put in a new count, if it still is what word_get() has given. */
static int
word_replace(counter_cell *self, int64_t word, PyObject *before, PyObject *after)
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
    else if ((done = IS_LARGE(_Py_atomic_load_int64(&self->count)) && self->large == before)) {
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
 * The count is the sum of `taken`, `count` and the stripes.  Whatever makes a count small or large, a reset for
 * one, takes out of each part what it has read there, no more, so that additions may go on meanwhile. */

#define MAX_STRIPES 64
static int stripe_count;  /* a power of two; set once in a process, before there is a cell */

/* At least two stripes a processor, since threads are dealt out to them in turn, running or not. */
static void
cells_prepare(int processors)
{
    int none = 0, count = 2;
    while (count < 2 * processors && count < MAX_STRIPES) {
        count *= 2;
    }
    _Py_atomic_compare_exchange_int(&stripe_count, &none, count);
}

static inline int64_t
thread_number(void)
{
    static int64_t last_number;
    static THREAD_LOCAL int64_t number;
    if (number == 0) {
        number = _Py_atomic_add_int64(&last_number, 1) + 1;
    }
    return number;
}

/* The stripes in their memory, on cache lines of their own. */
static inline stripe *
stripes_in(void *memory)
{
    uintptr_t alignment = sizeof(stripe);
    return (stripe *)(((uintptr_t)memory + alignment - 1) & ~(alignment - 1));
}

static void *
make_stripes(counter_cell *self)
{
    void *none = NULL, *memory = PyMem_RawCalloc(_Py_atomic_load_int_relaxed(&stripe_count) + 1, sizeof(stripe));
    if (memory != NULL && !_Py_atomic_compare_exchange_ptr(&self->stripes, &none, memory)) {
        PyMem_RawFree(memory);
        memory = none;  /* another thread's */
    }
    return memory;
}

/* The part of the count that the running thread should add to. */
static int64_t *
own_part(counter_cell *self)
{
    int64_t thread = thread_number();
    void *memory = _Py_atomic_load_ptr_acquire(&self->stripes);
    if (memory == NULL) {
        int64_t first_writer = _Py_atomic_load_int64_relaxed(&self->first_writer);
        if (first_writer == thread
            || (first_writer == 0 && _Py_atomic_compare_exchange_int64(&self->first_writer, &first_writer, thread))) {
            return &self->count;
        }
        memory = make_stripes(self);
        if (memory == NULL) {
            return &self->count;  /* right too, only slower */
        }
    }
    return &stripes_in(memory)[thread & (_Py_atomic_load_int_relaxed(&stripe_count) - 1)].part;
}

/* All parts, `count` first; returns how many. */
static inline int
parts_of(counter_cell *self, int64_t *parts[1 + MAX_STRIPES])
{
    int number = 1;
    void *memory = _Py_atomic_load_ptr_acquire(&self->stripes);
    parts[0] = &self->count;
    while (memory != NULL && number <= _Py_atomic_load_int_relaxed(&stripe_count)) {
        parts[number] = &stripes_in(memory)[number - 1].part;
        number++;
    }
    return number;
}

/* What a striped cell held at one time, as far as taking out is concerned. */
typedef struct {
    int64_t version;
    int number;
    int64_t parts[1 + MAX_STRIPES];
} snapshot;

/* The count, and the snapshot that says so. */
static PyObject *
striped_get(counter_cell *self, snapshot *seen)
{
    int64_t *parts[1 + MAX_STRIPES];
    int64_t sum = 0;
    lock(self);
    seen->version = self->version;
    PyObject *taken = Py_XNewRef(self->taken);
    seen->number = parts_of(self, parts);
    for (int index = 0; index < seen->number; index++) {
        seen->parts[index] = _Py_atomic_load_int64(parts[index]);
        sum += seen->parts[index];
    }
    unlock(self);
    PyObject *count = PyLong_FromLongLong(sum);
    if (taken != NULL && count != NULL) {
        Py_SETREF(count, PyNumber_Add(taken, count));
    }
    Py_XDECREF(taken);
    return count;
}

/* Put in a new count, if nothing has been taken out since striped_get(); what has been added since stays added. */
static int
striped_replace(counter_cell *self, const snapshot *seen, PyObject *after)
{
    int64_t *parts[1 + MAX_STRIPES];
    PyObject *dropped = NULL, *taken = NULL;
    int64_t part;
    if (!int_fits(after, PART_LIMIT, &part)) {
        part = 0;
        taken = Py_NewRef(after);
    }
    lock(self);
    int done = self->version == seen->version;
    if (done) {
        _Py_atomic_store_int64(&self->version, seen->version + 1);
        parts_of(self, parts);
        for (int index = 0; index < seen->number; index++) {
            _Py_atomic_add_int64(parts[index], (index == 0 ? part : 0) - seen->parts[index]);
        }
        dropped = self->taken;
        _Py_atomic_store_ptr_release(&self->taken, taken);
        _Py_atomic_store_int64(&self->version, seen->version + 2);
    }
    unlock(self);
    Py_XDECREF(done ? dropped : taken);
    return done;
}

/* The sum of all parts where that is the count, and nothing was taken out as they were read: needs no lock. */
static int
striped_sum(counter_cell *self, int64_t *sum)
{
    int64_t *parts[1 + MAX_STRIPES];
    int64_t version = _Py_atomic_load_int64(&self->version);
    int is_count = (version & 1) == 0 && _Py_atomic_load_ptr_acquire(&self->taken) == NULL;
    *sum = 0;
    for (int index = parts_of(self, parts) - 1; index >= 0; index--) {
        *sum += _Py_atomic_load_int64(parts[index]);
    }
    return is_count && _Py_atomic_load_int64(&self->version) == version;
}

/* ---- Any kind ---- */

/* Put in `number`, or what `number` added to the count is.  Returns the count before, or what was put in. */
static PyObject *
cell_update(counter_cell *self, PyObject *number, int add)
{
    for (;;) {
        int64_t word = 0;
        snapshot seen;
        int striped = self->kind == CELL_STRIPED;
        PyObject *before = striped ? striped_get(self, &seen) : word_get(self, &word);
        if (before == NULL) {
            return NULL;
        }
        PyObject *after = add ? PyNumber_Add(before, number) : Py_NewRef(number);
        int done = after != NULL
            && (striped ? striped_replace(self, &seen, after) : word_replace(self, word, before, after));
        PyObject *result = add ? after : before;
        Py_XDECREF(add ? before : after);
        if (done || result == NULL) {
            return result;
        }
        Py_DECREF(result);
    }
}

/* Where a count has grown past what 64 bits should hold: if memory runs out, there is room for more. */
static void
make_room(counter_cell *self)
{
    PyObject *zero = PyLong_FromLong(0);
    PyObject *count = zero == NULL ? NULL : cell_update(self, zero, 1);
    if (count == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(count);
    Py_XDECREF(zero);
}

/* Add and, but for striped cells, give the new count; 0, with the count unchanged, where it is large. */
static inline int
cell_add_small(counter_cell *self, int64_t amount, int64_t *after)
{
    if (self->kind == CELL_STRIPED) {
        int64_t part = _Py_atomic_add_int64(own_part(self), amount) + amount;
        if (!fits(part, PART_LIMIT)) {
            make_room(self);
        }
        return 1;
    }
    if (!word_add(self, amount, after)) {
        return 0;
    }
    if (!fits(*after, COUNT_LIMIT)) {
        make_room(self);
    }
    return 1;
}

static int
cell_add_large(counter_cell *self, PyObject *amount)
{
    PyObject *after = cell_update(self, amount, 1);
    Py_XDECREF(after);
    return after == NULL ? -1 : 0;
}

static inline PyObject *
cell_get(void **cell)
{
    counter_cell *self = CELL(cell);
    int64_t count;
    snapshot seen;
    if (self->kind != CELL_STRIPED) {
        return word_get(self, &count);
    }
    return striped_sum(self, &count) ? PyLong_FromLongLong(count) : striped_get(self, &seen);
}

static PyObject *
cell_exchange(void **cell, PyObject *count)
{
    return cell_update(CELL(cell), count, 0);
}

static PyObject *
cell_reset(void **cell)
{
    PyObject *zero = PyLong_FromLong(0);
    PyObject *before = zero == NULL ? NULL : cell_exchange(cell, zero);
    Py_XDECREF(zero);
    return before;
}

static inline int
cell_add_small_int(void **cell, PyObject *amount)
{
    (void)cell, (void)amount;
    return 0;
}

static inline int
cell_add(void **cell, PyObject *amount)
{
    int64_t value, after;
    if (int_fits(amount, ADD_LIMIT, &value) && cell_add_small(CELL(cell), value, &after)) {
        return 0;
    }
    return cell_add_large(CELL(cell), amount);
}

static int
cell_increment(void **cell)
{
    int64_t after;
    if (cell_add_small(CELL(cell), 1, &after)) {
        return 0;
    }
    PyObject *one = PyLong_FromLong(1);
    int status = one == NULL ? -1 : cell_add_large(CELL(cell), one);
    Py_XDECREF(one);
    return status;
}

/* Of cells that are not striped. */
static PyObject *
cell_add_and_get(void **cell, PyObject *amount)
{
    int64_t value, after = 0;
    if (!int_fits(amount, ADD_LIMIT, &value) || !cell_add_small(CELL(cell), value, &after)) {
        return cell_update(CELL(cell), amount, 1);
    }
    PyObject *result = PyLong_FromLongLong(after);
    if (result == NULL) {
        cell_add_small(CELL(cell), -value, &after);
    }
    return result;
}

static PyObject *
cell_increment_and_get(void **cell)
{
    PyObject *one = PyLong_FromLong(1);
    PyObject *result = one == NULL ? NULL : cell_add_and_get(cell, one);
    Py_XDECREF(one);
    return result;
}
