/* Python.h's functions. */
#include <limits.h>
#include <string.h>

#include "Python.h"

static int locks_held[THREADS], ids[THREADS];
static PyObject *errors[THREADS];  /* the type of the exception that is set, or NULL */
static PyObject types[4];
PyObject *PyExc_OverflowError = &types[0], *PyExc_RuntimeError = &types[1], *PyExc_ValueError = &types[2];
static PyObject *const memory_error = &types[3];
static PyLongObject constants[] = {
    [Py_CONSTANT_ZERO] = {.ob_base.ob_type = &PyLong_Type, .value = 0},
    [Py_CONSTANT_ONE] = {.ob_base.ob_type = &PyLong_Type, .value = 1},
};
PyObject true_object = {.ob_refcnt = 1}, false_object = {.ob_refcnt = 1}, none_object = {.ob_refcnt = 1};

void
reset_python(void)
{
    for (int thread = 0; thread < THREADS; thread++) {
        locks_held[thread] = 0;
        errors[thread] = NULL;
        ids[thread] = 1000 + thread;
    }
    constants[Py_CONSTANT_ZERO].ob_base.ob_refcnt = constants[Py_CONSTANT_ONE].ob_base.ob_refcnt = 1;
}

/* ---- Atomic operations ---- */

int load_int(const int *place, enum order order) { return (int)load(place, 4, order); }
uint8_t load_uint8(const uint8_t *place, enum order order) { return (uint8_t)load(place, 1, order); }
int64_t load_int64(const int64_t *place, enum order order) { return load(place, 8, order); }
uint64_t load_uint64(const uint64_t *place, enum order order) { return (uint64_t)load(place, 8, order); }
void *load_ptr(const void *place, enum order order) { return (void *)load(place, 8, order); }
void store_uint8(uint8_t *place, uint8_t value, enum order order) { store(place, 1, value, order); }
void store_int64(int64_t *place, int64_t value, enum order order) { store(place, 8, value, order); }
void store_uint64(uint64_t *place, uint64_t value, enum order order) { store(place, 8, (int64_t)value, order); }
void store_ptr(void *place, void *value, enum order order) { store(place, 8, (intptr_t)value, order); }

/* An int that is exchanged for 1 is a lock, which a store of 0 gives back. */
void
store_int(int *place, int value, enum order order)
{
    locks_held[current_thread()] -= value == 0;
    store(place, 4, value, order);
}

static void
check_no_lock(void)
{
    if (locks_held[current_thread()] > 0) {
        fail("an object is made or dropped while the lock is held");
    }
}

int64_t
add_int64(int64_t *place, int64_t amount)
{
    int64_t *word = start_locked(place, 8), before = *word;
    *word = before + amount;
    end_locked(place, 8, 1);
    return before;
}

int64_t
exchange_int64(int64_t *place, int64_t value)
{
    int64_t *word = start_locked(place, 8), before = *word;
    *word = value;
    end_locked(place, 8, 1);
    return before;
}

#define COMPARE_EXCHANGE(type, size) \
    type *word = start_locked(place, size), found = *word; \
    int done = found == *(type *)expected; \
    if (done) { \
        *word = (type)value; \
    } \
    *(type *)expected = found; \
    end_locked(place, size, done)

int
compare_exchange_int64(int64_t *place, int64_t *expected, int64_t value)
{
    COMPARE_EXCHANGE(int64_t, 8);
    return done;
}

int
compare_exchange_ptr(void *place, void *expected, void *value)
{
    COMPARE_EXCHANGE(intptr_t, 8);
    return done;
}

int
compare_exchange_int(int *place, int *expected, int value)
{
    COMPARE_EXCHANGE(int, 4);
    if (!done) {
        wait_for_store(place);
    }
    else if (value == 1) {
        locks_held[current_thread()]++;
    }
    return done;
}

/* ---- Objects ----
 *
 * Counting a reference is one step, as it is in CPython. */

uintptr_t
_Py_ThreadId(void)
{
    return ids[current_thread()];
}

void
take_thread_id(int thread)
{
    ids[current_thread()] = ids[thread];
}

int
_Py_IsOwnedByCurrentThread(PyObject *object)
{
    return object->ob_tid == _Py_ThreadId();
}

int
PyUnstable_Object_EnableDeferredRefcount(PyObject *object)
{
    (void)object;
    return 1;
}

int
PyObject_GC_IsTracked(PyObject *object)
{
    (void)object;
    return 1;
}

PyObject *
Py_NewRef(PyObject *object)
{
    check_access(&object->ob_refcnt, 0);
    object->ob_refcnt++;
    return object;
}

PyObject *
Py_XNewRef(PyObject *object)
{
    return object == NULL ? NULL : Py_NewRef(object);
}

void
Py_DECREF(PyObject *object)
{
    check_no_lock();
    check_access(&object->ob_refcnt, 0);
    if (object->ob_tid != 0 && !_Py_IsOwnedByCurrentThread(object)) {
        may_stop();
    }
    if (--object->ob_refcnt == 0) {
        release(object);
    }
}

void
Py_XDECREF(PyObject *object)
{
    if (object != NULL) {
        Py_DECREF(object);
    }
}

static PyObject *
make_number(size_t size, wide value, PyTypeObject *type)
{
    PyLongObject *number = allocate(size);
    number->ob_base.ob_tid = _Py_ThreadId();
    number->ob_base.ob_refcnt = 1;
    number->ob_base.ob_type = type;
    number->value = value;
    return &number->ob_base;
}

PyObject *
make_int(wide value)
{
    return make_number(sizeof(PyLongObject), value, &PyLong_Type);
}

wide
value_of(PyObject *number)
{
    PyLongObject *self = (PyLongObject *)number;
    check_access(&self->value, 0);
    return self->value;
}

static PyObject *
new_int(wide value)
{
    check_no_lock();
    if (value == 0) {
        return Py_NewRef(Py_GetConstantBorrowed(Py_CONSTANT_ZERO));  /* CPython too has one int for 0 */
    }
    return allocation_fails() ? PyErr_NoMemory() : make_int(value);
}

PyObject *
PyLong_FromLong(long value)
{
    check_no_lock();
    return make_int(value);
}

PyObject *
PyLong_FromLongLong(long long value)
{
    return new_int(value);
}

long long
PyLong_AsLongLongAndOverflow(PyObject *number, int *overflow)
{
    wide value = value_of(number);
    *overflow = value > LLONG_MAX ? 1 : value < LLONG_MIN ? -1 : 0;
    return *overflow ? -1 : (long long)value;
}

static PyObject *
compare_ints(PyObject *number, PyObject *other, int operation)
{
    (void)operation;
    return Py_NewRef(value_of(number) == value_of(other) ? &true_object : &false_object);
}

PyTypeObject PyLong_Type = {.tp_richcompare = compare_ints};

int
PyUnstable_Long_IsCompact(const PyLongObject *number)
{
    wide value = value_of((PyObject *)number);
    return -DIGIT_LIMIT < value && value < DIGIT_LIMIT;
}

Py_ssize_t
PyUnstable_Long_CompactValue(const PyLongObject *number)
{
    return (Py_ssize_t)value_of((PyObject *)number);
}

PyObject *
PyNumber_Add(PyObject *left, PyObject *right)
{
    return new_int(value_of(left) + value_of(right));
}

PyObject *
PyNumber_Lshift(PyObject *number, PyObject *bits)
{
    return new_int(value_of(number) * ((wide)1 << (int)value_of(bits)));
}

PyObject *
Py_GetConstantBorrowed(unsigned int constant)
{
    return &constants[constant].ob_base;
}

PyObject *
make_label(wide value, Py_hash_t hash, int is_simple)
{
    static PyTypeObject python_type;
    PyObject *label = make_number(sizeof(label_object), value, is_simple ? &PyLong_Type : &python_type);
    ((label_object *)label)->hash = hash;
    return label;
}

/* Python code may run, and may fail. */
static int
python_code_fails(void)
{
    check_no_lock();
    may_stop();
    return allocation_fails() && PyErr_NoMemory() == NULL;
}

Py_hash_t
PyObject_Hash(PyObject *label)
{
    return python_code_fails() ? -1 : ((label_object *)label)->hash;
}

int
PyObject_RichCompareBool(PyObject *label, PyObject *other, int operation)
{
    (void)operation;
    return python_code_fails() ? -1 : value_of(label) == value_of(other);
}

static PyObject *
new_object(size_t size)
{
    check_no_lock();
    if (allocation_fails()) {
        return PyErr_NoMemory();
    }
    PyObject *object = allocate(size);
    object->ob_refcnt = 1;
    return object;
}

PyObject *
PyBytes_FromStringAndSize(const char *bytes, Py_ssize_t size)
{
    PyObject *object = new_object(sizeof(bytes_object));
    if (object != NULL) {
        PyBytes_GET_SIZE(object) = size;
        if (bytes != NULL) {
            memcpy(PyBytes_AS_STRING(object), bytes, size);
        }
    }
    return object;
}

PyObject *
PyDict_New(void)
{
    return new_object(sizeof(dict_object));
}

int
PyDict_SetItem(PyObject *dict, PyObject *label, PyObject *count)
{
    dict_object *self = (dict_object *)dict;
    check_no_lock();
    if (allocation_fails()) {
        PyErr_NoMemory();
        return -1;
    }
    self->items[self->used].label = value_of(label);
    self->items[self->used++].count = value_of(count);
    return 0;
}

PyObject *
PyObject_Repr(PyObject *object)
{
    return new_int(value_of(object));  /* any object will do */
}

/* ---- Stopping all other threads ---- */

PyObject *
PyList_New(Py_ssize_t size)
{
    return new_int(size + 1);  /* any object will do */
}

typedef struct {
    gcvisitobjects_t callback;
    void *argument;
} visit_call;

static void
visit_one_object(void *argument)
{
    visit_call *call = argument;
    call->callback(NULL, call->argument);
}

void
PyUnstable_GC_VisitObjects(gcvisitobjects_t callback, void *argument)
{
    visit_call call = {callback, argument};
    check_no_lock();
    while_others_stop(visit_one_object, &call);
}

/* ---- Memory and errors ---- */

void *
PyMem_RawMalloc(size_t size)
{
    return PyMem_RawCalloc(1, size);
}

void *
PyMem_RawCalloc(size_t number, size_t size)
{
    check_no_lock();
    return allocation_fails() ? NULL : allocate(number * size);
}

void
PyMem_RawFree(void *memory)
{
    check_no_lock();
    release(memory);
}

PyObject *
PyErr_NoMemory(void)
{
    errors[current_thread()] = memory_error;
    return NULL;
}

PyObject *
PyErr_FormatV(PyObject *type, const char *format, va_list values)
{
    (void)format, (void)values;
    check_no_lock();
    errors[current_thread()] = type;
    return NULL;
}

PyObject *
PyErr_Format(PyObject *type, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    PyErr_FormatV(type, format, values);
    va_end(values);
    return NULL;
}

PyObject *
PyErr_Occurred(void)
{
    return errors[current_thread()];
}

void
PyErr_Clear(void)
{
    errors[current_thread()] = NULL;
}
