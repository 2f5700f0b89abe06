/* Stands in for CPython's Python.h, as a free-threaded build has it: as much as fastcounter/c/counter.h and map.h need.
 *
 * Each atomic operation first hands control to the scheduler.  An int is a struct with a reference count.  Whatever
 * allocates may be told to fail. */
#ifndef PYTHON_H
#define PYTHON_H

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include "scheduler.h"

#define PY_VERSION_HEX 0x030E00F0
#define Py_GIL_DISABLED 1
#define Py_ALWAYS_INLINE
#define Py_NO_INLINE

/* The linker puts thread-local variables into a section of their own, and the scheduler copies it when it switches. */
#define _Thread_local __attribute__((section("thread_local_variables")))

/* ---- Atomic operations ---- */

/* A message tells which operation of which line it is about. */
#define AT(name) (operation = #name, function = __func__, line = __LINE__)

#define _Py_atomic_load_int(place) (AT(load), load_int(place, LOCKED))
#define _Py_atomic_load_int_acquire(place) (AT(load_acquire), load_int(place, ORDERED))
#define _Py_atomic_load_int_relaxed(place) (AT(load_relaxed), load_int(place, RELAXED))
#define _Py_atomic_load_uint8_relaxed(place) (AT(load_relaxed), load_uint8(place, RELAXED))
#define _Py_atomic_load_int64(place) (AT(load), load_int64(place, LOCKED))
#define _Py_atomic_load_int64_relaxed(place) (AT(load_relaxed), load_int64(place, RELAXED))
#define _Py_atomic_load_ssize(place) (AT(load), load_int64(place, LOCKED))
#define _Py_atomic_load_ssize_relaxed(place) (AT(load_relaxed), load_int64(place, RELAXED))
#define _Py_atomic_load_uint64_acquire(place) (AT(load_acquire), load_uint64(place, ORDERED))
#define _Py_atomic_load_ptr(place) (AT(load), load_ptr(place, LOCKED))
#define _Py_atomic_load_ptr_acquire(place) (AT(load_acquire), load_ptr(place, ORDERED))
#define _Py_atomic_load_ptr_relaxed(place) (AT(load_relaxed), load_ptr(place, RELAXED))

#define _Py_atomic_store_uint8_relaxed(place, value) (AT(store_relaxed), store_uint8(place, value, RELAXED))
#define _Py_atomic_store_int_release(place, value) (AT(store_release), store_int(place, value, ORDERED))
#define _Py_atomic_store_int_relaxed(place, value) (AT(store_relaxed), store_int(place, value, RELAXED))
#define _Py_atomic_store_int64(place, value) (AT(store), store_int64(place, value, LOCKED))
#define _Py_atomic_store_int64_relaxed(place, value) (AT(store_relaxed), store_int64(place, value, RELAXED))
#define _Py_atomic_store_ssize(place, value) (AT(store), store_int64(place, value, LOCKED))
#define _Py_atomic_store_uint64_release(place, value) (AT(store_release), store_uint64(place, value, ORDERED))
#define _Py_atomic_store_ptr_release(place, value) (AT(store_release), store_ptr(place, value, ORDERED))
#define _Py_atomic_store_ptr_relaxed(place, value) (AT(store_relaxed), store_ptr(place, value, RELAXED))

#define _Py_atomic_add_int64(place, amount) (AT(add), add_int64(place, amount))
#define _Py_atomic_exchange_int64(place, value) (AT(exchange), exchange_int64(place, value))
#define _Py_atomic_compare_exchange_int(place, expected, value) \
    (AT(compare_exchange), compare_exchange_int(place, expected, value))
#define _Py_atomic_compare_exchange_int64(place, expected, value) \
    (AT(compare_exchange), compare_exchange_int64(place, expected, value))
#define _Py_atomic_compare_exchange_ptr(place, expected, value) \
    (AT(compare_exchange), compare_exchange_ptr(place, expected, value))

int load_int(const int *place, enum order);
uint8_t load_uint8(const uint8_t *place, enum order);
int64_t load_int64(const int64_t *place, enum order);
uint64_t load_uint64(const uint64_t *place, enum order);
void *load_ptr(const void *place, enum order);
void store_uint8(uint8_t *place, uint8_t value, enum order);
void store_int(int *place, int value, enum order);
void store_int64(int64_t *place, int64_t value, enum order);
void store_uint64(uint64_t *place, uint64_t value, enum order);
void store_ptr(void *place, void *value, enum order);
int64_t add_int64(int64_t *place, int64_t amount);
int64_t exchange_int64(int64_t *place, int64_t value);
/* A thread for which this fails waits: the word is a lock, and the thread would only try again. */
int compare_exchange_int(int *place, int *expected, int value);
int compare_exchange_int64(int64_t *place, int64_t *expected, int64_t value);
int compare_exchange_ptr(void *place, void *expected, void *value);

/* ---- Objects ---- */

typedef __int128 wide;  /* stands in for ints of any size */
typedef ptrdiff_t Py_ssize_t;
typedef Py_ssize_t Py_hash_t;
typedef struct object PyObject;
typedef struct type_object PyTypeObject;
typedef void (*destructor)(PyObject *);
typedef PyObject *(*richcmpfunc)(PyObject *, PyObject *, int);
typedef int (*inquiry)(PyObject *);
typedef int (*visitproc)(PyObject *, void *);
typedef int (*traverseproc)(PyObject *, visitproc, void *);

struct object {
    uintptr_t ob_tid;
    uint8_t ob_gc_bits;
    int ob_refcnt;
    PyTypeObject *ob_type;
};

typedef struct {
    PyObject ob_base;
    wide value;
} PyLongObject;

uintptr_t _Py_ThreadId(void);
int _Py_IsOwnedByCurrentThread(PyObject *object);
int PyUnstable_Object_EnableDeferredRefcount(PyObject *object);
int PyObject_GC_IsTracked(PyObject *object);

PyObject *Py_NewRef(PyObject *object);
PyObject *Py_XNewRef(PyObject *object);
/* To drop an object that another thread has made may stop the thread: that takes a mutex. */
void Py_DECREF(PyObject *object);
void Py_XDECREF(PyObject *object);
#define Py_SETREF(place, object) \
    do { \
        PyObject *before_ = (place); \
        (place) = (object); \
        Py_DECREF(before_); \
    } while (0)

/* An int of one digit.  If the limits of a build are tiny, its digits are tiny too. */
#ifndef DIGIT_LIMIT
#  define DIGIT_LIMIT ((int64_t)1 << 30)
#endif

PyObject *make_int(wide value);  /* never fails */
wide value_of(PyObject *number);
PyObject *PyLong_FromLong(long value);  /* never fails: the headers use it for small ints, which CPython has */
PyObject *PyLong_FromLongLong(long long value);
long long PyLong_AsLongLongAndOverflow(PyObject *number, int *overflow);
extern PyTypeObject PyLong_Type;
#define PyLong_CheckExact(object) ((object)->ob_type == &PyLong_Type)
int PyUnstable_Long_IsCompact(const PyLongObject *number);
Py_ssize_t PyUnstable_Long_CompactValue(const PyLongObject *number);
PyObject *PyNumber_Add(PyObject *left, PyObject *right);
PyObject *PyNumber_Lshift(PyObject *number, PyObject *bits);

enum { Py_CONSTANT_ZERO, Py_CONSTANT_ONE };
PyObject *Py_GetConstantBorrowed(unsigned int constant);

/* A label is equal to one with the same value.  Its hash is what the program likes.  If it is not simple, comparing it
 * runs Python code. */
typedef struct {
    PyLongObject number;
    Py_hash_t hash;
} label_object;

#define Py_EQ 2
PyObject *make_label(wide value, Py_hash_t hash, int is_simple);  /* never fails */
/* Python code: these may stop the thread, and may fail, as an allocation may. */
Py_hash_t PyObject_Hash(PyObject *label);
int PyObject_RichCompareBool(PyObject *label, PyObject *other, int operation);

PyObject *PyList_New(Py_ssize_t size);
typedef int (*gcvisitobjects_t)(PyObject *, void *);
void PyUnstable_GC_VisitObjects(gcvisitobjects_t callback, void *argument);  /* there is one object */

/* Bytes and dicts: as much as shared_map.h needs.  A dict has one item for a label, and none is replaced. */
typedef struct {
    PyObject ob_base;
    Py_ssize_t size;
    char bytes[sizeof(int64_t)];
} bytes_object;

typedef struct {
    PyObject ob_base;
    int used;
    struct { wide label, count; } items[8];
} dict_object;

PyObject *PyBytes_FromStringAndSize(const char *bytes, Py_ssize_t size);
#define PyBytes_GET_SIZE(object) (((bytes_object *)(object))->size)
#define PyBytes_AS_STRING(object) (((bytes_object *)(object))->bytes)
PyObject *PyDict_New(void);
int PyDict_SetItem(PyObject *dict, PyObject *label, PyObject *count);

/* No label is a str, bytes or a tuple, so what follows only has to compile. */
typedef label_object PyASCIIObject;
#define PyTuple_CheckExact(object) ((void)(object), 0)
#define PyTuple_GET_SIZE(object) ((void)(object), (Py_ssize_t)0)
#define PyTuple_GET_ITEM(object, index) ((void)(index), (object))
#define PyBytes_CheckExact(object) ((void)(object), 0)
#define PyUnicode_CheckExact(object) ((void)(object), 0)
#define PyUnicode_GET_LENGTH(object) ((void)(object), (Py_ssize_t)0)
#define PyUnicode_KIND(object) ((void)(object), 1)
#define PyUnicode_DATA(object) ((void *)(object))

#define Py_MIN(left, right) ((left) < (right) ? (left) : (right))

void *PyMem_RawMalloc(size_t size);
void *PyMem_RawCalloc(size_t number, size_t size);
void PyMem_RawFree(void *memory);
PyObject *PyErr_NoMemory(void);
PyObject *PyErr_Occurred(void);
void PyErr_Clear(void);
extern PyObject true_object;
#define Py_True (&true_object)
extern PyObject none_object;
#define Py_None (&none_object)
#define Py_CLEAR(place) \
    do { \
        PyObject *before_ = (place); \
        (place) = NULL; \
        Py_XDECREF(before_); \
    } while (0)

/* Exceptions other than MemoryError. */
extern PyObject *PyExc_OverflowError, *PyExc_RuntimeError, *PyExc_ValueError;
PyObject *PyErr_Format(PyObject *type, const char *format, ...);
PyObject *PyErr_FormatV(PyObject *type, const char *format, va_list values);
PyObject *PyObject_Repr(PyObject *object);
typedef int PyGILState_STATE;
enum { PyGILState_LOCKED };
#define PyThreadState_GetUnchecked() ((void *)1)
#define PyGILState_Ensure() PyGILState_LOCKED
#define PyGILState_Release(state) ((void)(state))

void reset_python(void);           /* call this before each program */
void take_thread_id(int thread);   /* the running thread gets the id of one that has ended */

/* ---- Types: types.h, and the end of counter.h and map.h compile, but no program calls what needs these ---- */

struct type_object {
    destructor tp_dealloc;
    traverseproc tp_traverse;
    inquiry tp_clear;
    void (*tp_free)(void *);
    richcmpfunc tp_richcompare;
    unsigned long tp_flags;
    PyTypeObject *tp_base;
};

typedef struct {
    PyObject *obj;
} Py_buffer;

#define Py_TPFLAGS_IMMUTABLETYPE (1UL << 8)
#define Py_TPFLAGS_HEAPTYPE (1UL << 9)
#define Py_TPFLAGS_HAVE_GC (1UL << 14)
#define Py_TYPE(object) ((object)->ob_type)
#define PyType_HasFeature(type, flag) (((type)->tp_flags & (flag)) != 0)
#define PyType_Modified(type) ((void)(type))
#define PyType_IS_GC(type) PyType_HasFeature(type, Py_TPFLAGS_HAVE_GC)
#define PyObject_GC_UnTrack(object) ((void)(object))
#define PyObject_GC_Del free
#define Py_INCREF(object) ((void)(object))
#define Py_VISIT(object) ((void)visit, (void)arg, (void)(object))

#endif
