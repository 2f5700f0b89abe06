/* Everything that depends on how CPython is made inside, and the only file with `#if`:
 *
 *   cells        where a counter keeps its count, and the arithmetic on it;
 *   descriptors  how the interpreter reaches a counter's attribute and methods by its fastest way.
 */
#ifndef FASTCOUNTER_INTERNALS_H
#define FASTCOUNTER_INTERNALS_H

#include <Python.h>
#include <structmember.h>

/* CPython's own internals are used on the versions that this code has been tested on.  Everything else
 * (a newer CPython, PyPy, the limited API, -DFASTCOUNTER_PORTABLE) compiles to portable code, which is
 * right, only slower. */
#if !defined(FASTCOUNTER_PORTABLE) && !defined(PYPY_VERSION) && !defined(Py_LIMITED_API) \
    && PY_VERSION_HEX < 0x03100000
#  define KNOWN_CPYTHON 1
#else
#  define KNOWN_CPYTHON 0
#endif


/* ---- Cells ----
 *
 * A counter's count is behind one pointer, its cell.  What it points to depends on the build: below is
 * first the cell of builds with the GIL, then that of free-threaded builds, with the same functions.
 *
 * Amounts and new counts handed in are exact ints.  Functions return -1 or NULL, with MemoryError set
 * and the count as it was, where memory runs out.
 */

/* How exact a cell has to be, which makes a difference on free-threaded builds only. */
enum cell_kind {
    CELL_OF_ONE_THREAD,
    CELL_READ_OFTEN,
    CELL_WRITTEN_OFTEN,
};

#ifndef Py_GIL_DISABLED

/* With the GIL, a cell is a Python int: an exact one, never NULL after cell_init().
 *
 * Why any mix of calls from any number of threads is safe: they all hold the GIL, and between reading a
 * cell and writing it no function here runs Python code or releases the GIL.  Adding two exact ints runs
 * no Python code, nor does dropping one.  So there is no lock either that a signal handler, a finaliser,
 * a fork or the death of a thread could find taken.
 */

#if KNOWN_CPYTHON

#  if PY_VERSION_HEX >= 0x030C0000
#    define INT_TAG(number) (((PyLongObject *)(number))->long_value.lv_tag)
#    define INT_DIGITS(number) (((PyLongObject *)(number))->long_value.ob_digit)
#    define INT_IS_POSITIVE(number) ((INT_TAG(number) & _PyLong_SIGN_MASK) == 0)
#    define INT_HAS_MANY_DIGITS(number) (INT_TAG(number) >= (2 << _PyLong_NON_SIZE_BITS))
#  else
#    define INT_DIGITS(number) (((PyLongObject *)(number))->ob_digit)
#    define INT_IS_POSITIVE(number) (Py_SIZE(number) > 0)
#    define INT_HAS_MANY_DIGITS(number) (Py_SIZE(number) > 1 || Py_SIZE(number) < -1)
#  endif

/* CPython shares the ints up to 256, from 3.15 up to 1,024; this is well above. */
#  define ABOVE_SMALL_INTS 0x10000

/* Add `amount`, the value of at most one digit, to the int that the cell points to, inside that int.
 * Returns 0, with nothing changed, where that cannot be done.
 *
 * Nobody sees an int change: a reference count of 1 says that the cell's is the only reference, and
 * whoever reads the count takes another, after which the next addition makes a new int.  Small ints are
 * shared: they are immortal, or referenced by CPython too, so their count is never 1.  The result is an
 * int as CPython would have made it: positive, as many digits as before, not a small one. */
static inline int
cell_add_in_place(void **cell, long amount)
{
    PyObject *count = (PyObject *)*cell;
    if (Py_REFCNT(count) != 1 || !INT_IS_POSITIVE(count)) {
        return 0;
    }
    long lowest = (long)INT_DIGITS(count)[0] + amount;
    if (lowest < 0 || lowest > (long)PyLong_MASK) {
        return 0;
    }
    if (amount < 0 && lowest < ABOVE_SMALL_INTS && !INT_HAS_MANY_DIGITS(count)) {
        return 0;
    }
    INT_DIGITS(count)[0] = (digit)lowest;
    return 1;
}

/* Whether `number` has at most one digit, and then its value. */
static inline int
int_as_one_digit(PyObject *number, long *value)
{
    if (INT_HAS_MANY_DIGITS(number)) {
        return 0;
    }
    *value = (long)INT_DIGITS(number)[0];
    if (!INT_IS_POSITIVE(number)) {
        *value = -*value;
    }
    return 1;
}

#endif

static inline int
cell_init(void **cell, enum cell_kind kind)
{
    (void)kind;
    *cell = PyLong_FromLong(0);
    return *cell == NULL ? -1 : 0;
}

static inline void
cell_free(void **cell)
{
    Py_XDECREF((PyObject *)*cell);
}

static inline PyObject *
cell_get(void **cell)
{
    PyObject *count = (PyObject *)*cell;
    Py_INCREF(count);
    return count;
}

/* Put a new count into the cell and return the one that it held. */
static inline PyObject *
cell_exchange(void **cell, PyObject *count)
{
    PyObject *before = (PyObject *)*cell;
    Py_INCREF(count);
    *cell = count;
    return before;
}

static int
cell_add_portably(void **cell, PyObject *amount)
{
    PyObject *before = (PyObject *)*cell;
    PyObject *after = PyNumber_Add(before, amount);
    if (after == NULL) {
        return -1;
    }
    *cell = after;
    Py_DECREF(before);
    return 0;
}

static inline int
cell_add(void **cell, PyObject *amount)
{
#if KNOWN_CPYTHON
    long value;
    if (int_as_one_digit(amount, &value) && cell_add_in_place(cell, value)) {
        return 0;
    }
#endif
    return cell_add_portably(cell, amount);
}

static inline int
cell_increment(void **cell)
{
#if KNOWN_CPYTHON
    if (cell_add_in_place(cell, 1)) {
        return 0;
    }
#endif
    PyObject *one = PyLong_FromLong(1);
    if (one == NULL) {
        return -1;
    }
    int status = cell_add_portably(cell, one);
    Py_DECREF(one);
    return status;
}

static inline PyObject *
cell_add_and_get(void **cell, PyObject *amount)
{
    return cell_add(cell, amount) < 0 ? NULL : cell_get(cell);
}

static inline PyObject *
cell_increment_and_get(void **cell)
{
    return cell_increment(cell) < 0 ? NULL : cell_get(cell);
}

static inline void
set_stripes_for(int processors)
{
    (void)processors;
}

#else  /* Py_GIL_DISABLED */

#include <stdint.h>
#include <string.h>

/* Atomic operations on 64-bit integers and pointers.  Relaxed ones order nothing but themselves. */
#if defined(_MSC_VER)
#  include <intrin.h>
#  define THREAD_LOCAL __declspec(thread)
#  define ATOMIC_LOAD_RELAXED(place) (*(volatile int64_t *)(place))
#  define ATOMIC_STORE_RELAXED(place, value) (*(volatile int64_t *)(place) = (value))
#  define ATOMIC_LOAD(place) _InterlockedExchangeAdd64((volatile int64_t *)(place), 0)
#  define ATOMIC_STORE(place, value) ((void)_InterlockedExchange64((volatile int64_t *)(place), (value)))
#  define ATOMIC_ADD(place, amount) _InterlockedExchangeAdd64((volatile int64_t *)(place), (amount))
#  define ATOMIC_EXCHANGE(place, value) _InterlockedExchange64((volatile int64_t *)(place), (value))
#  define ATOMIC_LOAD_POINTER(place) _InterlockedCompareExchangePointer((void *volatile *)(place), NULL, NULL)
#  define ATOMIC_STORE_POINTER(place, value) ((void)_InterlockedExchangePointer((void *volatile *)(place), (value)))
#else
#  define THREAD_LOCAL __thread
#  define ATOMIC_LOAD_RELAXED(place) __atomic_load_n((place), __ATOMIC_RELAXED)
#  define ATOMIC_STORE_RELAXED(place, value) __atomic_store_n((place), (value), __ATOMIC_RELAXED)
#  define ATOMIC_LOAD(place) __atomic_load_n((place), __ATOMIC_ACQUIRE)
#  define ATOMIC_STORE(place, value) __atomic_store_n((place), (value), __ATOMIC_RELEASE)
#  define ATOMIC_ADD(place, amount) __atomic_fetch_add((place), (amount), __ATOMIC_ACQ_REL)
#  define ATOMIC_EXCHANGE(place, value) __atomic_exchange_n((place), (value), __ATOMIC_ACQ_REL)
#  define ATOMIC_LOAD_POINTER(place) __atomic_load_n((place), __ATOMIC_ACQUIRE)
#  define ATOMIC_STORE_POINTER(place, value) __atomic_store_n((place), (value), __ATOMIC_RELEASE)
#endif

/* Without the GIL, a cell is a struct of its own, and this is why threads may share it:
 *
 *   - `count` and the stripes are only touched by atomic operations, and by whole additions: none is lost.
 *     In a cell of one thread an addition is a load and a store, so that additions of two threads at once
 *     may count once, as that kind of counter says.
 *   - Everything else is only touched with `mutex` held, but for `stripes` and `first_writer`, which are set
 *     once, and `has_rest`, which is set and never unset.
 *   - No Python code runs, and no thread waits for anything, while the mutex is held: so a signal handler
 *     or finaliser cannot find it taken by its own thread, nor a forked child by a thread that is gone,
 *     since CPython stops all threads where they may be stopped, outside this code, before it forks
 *     (python/cpython#116522).
 *
 * Where a count is too large for 64 bits, `rest` takes over:
 *
 *   - In a cell of one part `count` is then IN_REST, give or take what came too late, and the whole count is
 *     in `rest`.  Whoever adds looks at what was there: either it was a count, and the addition is done, or
 *     it was not, and is done again in `rest`.
 *   - In a striped cell the count is the sum of `rest`, `count` and the stripes.
 */
typedef struct {
    int64_t part;
    char padding[128 - sizeof(int64_t)];  /* two cache lines, as processors fetch them in pairs */
} stripe;

typedef struct {
    int64_t count;
    enum cell_kind kind;
    PyMutex mutex;
    PyObject *rest;         /* an exact int, or NULL for 0 */
    int64_t has_rest;       /* striped: from now on reading takes the mutex */
    int64_t first_writer;   /* striped: the thread that may write to `count` */
    stripe *stripes;        /* striped: NULL until a second thread writes */
    void *stripes_memory;
} counter_cell;

#define CELL(cell) ((counter_cell *)*(cell))

/* The thread sanitizer does not see what an interpreter that was built without it does: tell it. */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#  define TSAN_ACQUIRE(address) __tsan_acquire(address)
#  define TSAN_RELEASE(address) __tsan_release(address)
#else
#  define TSAN_ACQUIRE(address)
#  define TSAN_RELEASE(address)
#endif

static inline void
lock(counter_cell *self)
{
    PyMutex_Lock(&self->mutex);
    TSAN_ACQUIRE(&self->mutex);
}

static inline void
unlock(counter_cell *self)
{
    TSAN_RELEASE(&self->mutex);
    PyMutex_Unlock(&self->mutex);
}

#define ADD_LIMIT ((int64_t)1 << 32)     /* larger amounts are added to `rest` */
#define PART_LIMIT ((int64_t)1 << 56)    /* so that all stripes together stay below 2**63 */
#define COUNT_LIMIT ((int64_t)1 << 62)
#define IN_REST (INT64_MIN + ((int64_t)1 << 60))
#define IS_IN_REST(count) ((count) < -COUNT_LIMIT - (COUNT_LIMIT >> 1))

#define MAX_STRIPES 64
static int64_t stripe_count = 8;  /* a power of two */

/* At least two stripes a processor, since threads are dealt out to them in turn, running or not. */
static void
set_stripes_for(int processors)
{
    stripe_count = 2;
    while (stripe_count < 2 * processors && stripe_count < MAX_STRIPES) {
        stripe_count *= 2;
    }
}

static inline int64_t
thread_number(void)
{
    static int64_t last_number;
    static THREAD_LOCAL int64_t number;
    if (number == 0) {
        number = ATOMIC_ADD(&last_number, 1) + 1;
    }
    return number;
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
cell_init(void **cell, enum cell_kind kind)
{
    counter_cell *self = PyMem_RawCalloc(1, sizeof(counter_cell));
    if (self == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->kind = kind;
    *cell = self;
    return 0;
}

static void
cell_free(void **cell)
{
    if (*cell != NULL) {
        Py_XDECREF(CELL(cell)->rest);
        PyMem_RawFree(CELL(cell)->stripes_memory);
        PyMem_RawFree(*cell);
    }
}

/* ---- Striped: many parts ---- */

/* Call with the mutex held. */
static void
make_stripes(counter_cell *self)
{
    size_t alignment = sizeof(stripe);
    self->stripes_memory = PyMem_RawCalloc(stripe_count + 1, alignment);
    if (self->stripes_memory != NULL) {
        uintptr_t start = ((uintptr_t)self->stripes_memory + alignment - 1) & ~(uintptr_t)(alignment - 1);
        ATOMIC_STORE_POINTER(&self->stripes, (stripe *)start);
    }
}

/* The part of the count that the running thread should add to. */
static int64_t *
own_part(counter_cell *self)
{
    int64_t thread = thread_number();
    stripe *stripes = ATOMIC_LOAD_POINTER(&self->stripes);
    if (stripes == NULL) {
        if (ATOMIC_LOAD(&self->first_writer) == thread) {
            return &self->count;
        }
        lock(self);
        if (self->first_writer == 0) {
            ATOMIC_STORE(&self->first_writer, thread);
        }
        else if (self->first_writer != thread && self->stripes == NULL) {
            make_stripes(self);
        }
        stripes = self->stripes;
        unlock(self);
    }
    /* Without memory for stripes all threads share the one part, which is right, only slower. */
    return stripes == NULL ? &self->count : &stripes[thread & (stripe_count - 1)].part;
}

static int64_t
sum_of_parts(counter_cell *self)
{
    int64_t sum = ATOMIC_LOAD(&self->count);
    stripe *stripes = ATOMIC_LOAD_POINTER(&self->stripes);
    for (int64_t index = 0; stripes != NULL && index < stripe_count; index++) {
        sum += ATOMIC_LOAD(&stripes[index].part);
    }
    return sum;
}

/* Set all parts to 0 and return what they were, in sum.  Call with the mutex held.
 *
 * `has_rest` is set first: a reader that finds a part taken out finds it set too, and waits for the mutex. */
static int64_t
take_parts(counter_cell *self)
{
    ATOMIC_STORE(&self->has_rest, 1);
    int64_t sum = ATOMIC_EXCHANGE(&self->count, 0);
    for (int64_t index = 0; self->stripes != NULL && index < stripe_count; index++) {
        sum += ATOMIC_EXCHANGE(&self->stripes[index].part, 0);
    }
    return sum;
}

/* `rest` and a number; NULL where memory runs out.  Call with the mutex held. */
static PyObject *
rest_plus(counter_cell *self, int64_t number)
{
    PyObject *result = PyLong_FromLongLong(number);
    if (result != NULL && self->rest != NULL) {
        Py_SETREF(result, PyNumber_Add(self->rest, result));
    }
    return result;
}

static PyObject *
striped_get(counter_cell *self)
{
    int64_t sum = sum_of_parts(self);
    if (!ATOMIC_LOAD(&self->has_rest)) {
        return PyLong_FromLongLong(sum);
    }
    lock(self);
    PyObject *result = rest_plus(self, sum_of_parts(self));
    unlock(self);
    return result;
}

/* Put `rest` in place of all parts; returns the count until now. */
static PyObject *
striped_exchange(counter_cell *self, PyObject *rest)
{
    int64_t sum = take_parts(self);
    PyObject *before = rest_plus(self, sum);
    if (before == NULL) {
        ATOMIC_ADD(&self->count, sum);
        return NULL;
    }
    Py_XSETREF(self->rest, Py_NewRef(rest));
    return before;
}

/* Move the parts to `rest`, or leave them where they are if memory runs out: there is room for more. */
static void
drain(counter_cell *self)
{
    lock(self);
    int64_t sum = take_parts(self);
    PyObject *rest = rest_plus(self, sum);
    if (rest == NULL) {
        PyErr_Clear();
        ATOMIC_ADD(&self->count, sum);
    }
    else {
        Py_XSETREF(self->rest, rest);
    }
    unlock(self);
}

static inline void
striped_add(counter_cell *self, int64_t amount)
{
    int64_t *part = own_part(self);
    int64_t before = ATOMIC_ADD(part, amount);
    if (!fits(before + amount, PART_LIMIT)) {
        drain(self);
    }
}

static int
striped_add_large(counter_cell *self, PyObject *amount)
{
    lock(self);
    PyObject *rest = self->rest == NULL ? Py_NewRef(amount) : PyNumber_Add(self->rest, amount);
    if (rest != NULL) {
        ATOMIC_STORE(&self->has_rest, 1);
        Py_XSETREF(self->rest, rest);
    }
    unlock(self);
    return rest == NULL ? -1 : 0;
}

/* ---- One part ---- */

/* Add to `count` and give the new count; 0, with the count unchanged, where it is in `rest`. */
static inline int
add_to_count(counter_cell *self, int64_t amount, int64_t *after)
{
    int64_t before = ATOMIC_LOAD_RELAXED(&self->count);
    if (IS_IN_REST(before)) {
        return 0;
    }
    if (self->kind == CELL_OF_ONE_THREAD) {
        ATOMIC_STORE_RELAXED(&self->count, before + amount);
    }
    else {
        before = ATOMIC_ADD(&self->count, amount);
        if (IS_IN_REST(before)) {
            return 0;
        }
    }
    *after = before + amount;
    return 1;
}

/* Move the count to `rest`; -1 where memory runs out.  Call with the mutex held. */
static int
move_to_rest(counter_cell *self)
{
    if (IS_IN_REST(ATOMIC_LOAD(&self->count))) {
        return 0;
    }
    int64_t count = ATOMIC_EXCHANGE(&self->count, IN_REST);
    PyObject *rest = PyLong_FromLongLong(count);
    if (rest == NULL) {
        ATOMIC_STORE(&self->count, count);
        return -1;
    }
    Py_XSETREF(self->rest, rest);
    return 0;
}

/* Make `rest` the count, in 64 bits if it fits.  Call with the mutex held and the count in `rest`. */
static void
set_rest(counter_cell *self, PyObject *rest)
{
    int64_t count;
    Py_XSETREF(self->rest, rest);
    if (int_fits(rest, COUNT_LIMIT, &count)) {
        ATOMIC_STORE(&self->count, count);
        Py_CLEAR(self->rest);
    }
}

/* Add any amount by way of `rest`; the new count. */
static PyObject *
add_to_rest(counter_cell *self, PyObject *amount)
{
    PyObject *after = NULL;
    lock(self);
    if (move_to_rest(self) == 0) {
        after = PyNumber_Add(self->rest, amount);
        if (after != NULL) {
            set_rest(self, Py_NewRef(after));
        }
    }
    unlock(self);
    return after;
}

/* Where a count has grown past what 64 bits should hold: if memory runs out, there is room for more. */
static void
make_room(counter_cell *self)
{
    lock(self);
    if (move_to_rest(self) < 0) {
        PyErr_Clear();
    }
    unlock(self);
}

static PyObject *
one_part_exchange(counter_cell *self, PyObject *count)
{
    int64_t value;
    int is_small = int_fits(count, COUNT_LIMIT, &value);
    if (!IS_IN_REST(ATOMIC_LOAD(&self->count)) && is_small) {
        int64_t before = ATOMIC_EXCHANGE(&self->count, value);
        PyObject *result = PyLong_FromLongLong(before);
        if (result == NULL) {
            ATOMIC_ADD(&self->count, before - value);
        }
        return result;
    }
    if (move_to_rest(self) < 0) {
        return NULL;
    }
    PyObject *before = Py_NewRef(self->rest);
    set_rest(self, Py_NewRef(count));
    return before;
}

/* ---- Any kind ---- */

static inline PyObject *
cell_get(void **cell)
{
    counter_cell *self = CELL(cell);
    if (self->kind == CELL_WRITTEN_OFTEN) {
        return striped_get(self);
    }
    int64_t count = ATOMIC_LOAD(&self->count);
    if (!IS_IN_REST(count)) {
        return PyLong_FromLongLong(count);
    }
    lock(self);
    count = ATOMIC_LOAD(&self->count);
    PyObject *result = IS_IN_REST(count) ? Py_NewRef(self->rest) : PyLong_FromLongLong(count);
    unlock(self);
    return result;
}

/* Put a new count into the cell and return the one that it held. */
static PyObject *
cell_exchange(void **cell, PyObject *count)
{
    counter_cell *self = CELL(cell);
    int64_t value;
    lock(self);
    int is_one_part = self->kind != CELL_WRITTEN_OFTEN
        || (self->stripes == NULL && !self->has_rest && int_fits(count, PART_LIMIT, &value));
    PyObject *before = is_one_part ? one_part_exchange(self, count) : striped_exchange(self, count);
    unlock(self);
    return before;
}

static inline int
cell_add_small(counter_cell *self, int64_t amount, int64_t *after)
{
    if (!add_to_count(self, amount, after)) {
        return 0;
    }
    if (!fits(*after, COUNT_LIMIT)) {
        make_room(self);
    }
    return 1;
}

static inline PyObject *
cell_add_and_get(void **cell, PyObject *amount)
{
    counter_cell *self = CELL(cell);
    int64_t value, after;
    if (!int_fits(amount, ADD_LIMIT, &value) || !cell_add_small(self, value, &after)) {
        return add_to_rest(self, amount);
    }
    PyObject *result = PyLong_FromLongLong(after);
    if (result == NULL) {
        cell_add_small(self, -value, &after);
    }
    return result;
}

static inline int
cell_add(void **cell, PyObject *amount)
{
    counter_cell *self = CELL(cell);
    int64_t value, after;
    int is_small = int_fits(amount, ADD_LIMIT, &value);
    if (self->kind == CELL_WRITTEN_OFTEN) {
        if (!is_small) {
            return striped_add_large(self, amount);
        }
        striped_add(self, value);
        return 0;
    }
    if (is_small && cell_add_small(self, value, &after)) {
        return 0;
    }
    PyObject *result = add_to_rest(self, amount);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static inline int
cell_increment(void **cell)
{
    counter_cell *self = CELL(cell);
    int64_t after;
    if (self->kind == CELL_WRITTEN_OFTEN) {
        striped_add(self, 1);
        return 0;
    }
    if (cell_add_small(self, 1, &after)) {
        return 0;
    }
    PyObject *one = PyLong_FromLong(1);
    int status = one == NULL ? -1 : cell_add(cell, one);
    Py_XDECREF(one);
    return status;
}

static inline PyObject *
cell_increment_and_get(void **cell)
{
    PyObject *one = PyLong_FromLong(1);
    PyObject *result = one == NULL ? NULL : cell_add_and_get(cell, one);
    Py_XDECREF(one);
    return result;
}

#endif  /* Py_GIL_DISABLED */


/* ---- Descriptors ---- */

/* Whether two objects are method descriptors for one C function. */
static inline int
is_same_method(PyObject *method, PyObject *other)
{
#if KNOWN_CPYTHON
    return Py_IS_TYPE(method, &PyMethodDescr_Type) && Py_IS_TYPE(other, &PyMethodDescr_Type)
        && ((PyMethodDescrObject *)method)->d_method == ((PyMethodDescrObject *)other)->d_method;
#else
    return method == other;
#endif
}

/* A method descriptor for the same C function that belongs to `type`, a subclass of the method's own
 * class.  From 3.11 the interpreter calls a compiled method by its fastest way where the method belongs
 * to the object's exact type; an inherited one takes twice as long. */
static inline PyObject *
method_of_type(PyObject *method, PyTypeObject *type)
{
#if KNOWN_CPYTHON
    if (Py_IS_TYPE(method, &PyMethodDescr_Type)) {
        return PyDescr_NewMethod(type, ((PyMethodDescrObject *)method)->d_method);
    }
#endif
    (void)type;
    Py_INCREF(method);
    return method;
}

/* Put an attribute into a type made by this module, before anyone uses that type. */
static inline int
set_type_attribute(PyTypeObject *type, PyObject *name, PyObject *value)
{
#if KNOWN_CPYTHON
    if (PyDict_SetItem(type->tp_dict, name, value) < 0) {
        return -1;
    }
    PyType_Modified(type);
#else
    (void)type, (void)name, (void)value;
#endif
    return 0;
}

/* A descriptor that reads the cell at `offset` as the attribute `value`, in place of its getter, whose
 * docstring it takes over: on builds where the cell is an int.  The interpreter reads such a slot inline, as it does those of `__slots__`; a
 * getter it has to call, which takes three to four times as long. */
static inline PyObject *
cell_as_attribute(PyTypeObject *type, Py_ssize_t offset, PyObject *getter)
{
#if KNOWN_CPYTHON && !defined(Py_GIL_DISABLED)
    static PyMemberDef member = {"value", T_OBJECT_EX, 0, READONLY, NULL};
    member.offset = offset;
    member.doc = ((PyGetSetDescrObject *)getter)->d_getset->doc;
    return PyDescr_NewMember(type, &member);
#else
    (void)type, (void)offset;
    Py_INCREF(getter);
    return getter;
#endif
}

#endif
