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
    && !defined(Py_GIL_DISABLED) && PY_VERSION_HEX < 0x03100000
#  define KNOWN_CPYTHON 1
#else
#  define KNOWN_CPYTHON 0
#endif


/* ---- Cells ----
 *
 * A cell is one pointer to the count: an exact `int`, never NULL after cell_init().
 *
 * Why any mix of calls from any number of threads is safe: they all hold the GIL, and between reading a
 * cell and writing it no function here runs Python code or releases the GIL.  Adding two exact ints runs
 * no Python code, nor does dropping one.  So there is no lock either that a signal handler, a finaliser,
 * a fork or the death of a thread could find taken.
 *
 * Amounts and new counts handed in are exact ints.  Functions return -1 or NULL, with MemoryError set
 * and the count as it was, where memory runs out.
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
cell_init(void **cell)
{
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
 * docstring it takes over.  The interpreter reads such a slot inline, as it does those of `__slots__`; a
 * getter it has to call, which takes three to four times as long. */
static inline PyObject *
cell_as_attribute(PyTypeObject *type, Py_ssize_t offset, PyObject *getter)
{
#if KNOWN_CPYTHON
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
