/* Hashing and comparing labels.  Most labels are simple: exact objects of type str, bytes or int, and tuples of these.
 * To compare these runs no Python code, drops no object and raises nothing. */
#ifndef FASTCOUNTER_LABELS_H
#define FASTCOUNTER_LABELS_H

#include <string.h>

#include "atomics.h"
#include "integers.h"

/* The label's hash, or -1 if hashing it fails. */
static inline Py_hash_t
label_hash(PyObject *label)
{
#if KNOWN_CPYTHON
    if (PyUnicode_CheckExact(label)) {
        Py_hash_t hash = LOAD_HASH(&((PyASCIIObject *)label)->hash);
        if (hash != -1) {
            return hash;
        }
    }
#endif
    return PyObject_Hash(label);
}

static inline int
strings_equal(PyObject *label, PyObject *other)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(label);
    return length == PyUnicode_GET_LENGTH(other) && PyUnicode_KIND(label) == PyUnicode_KIND(other)
        && memcmp(PyUnicode_DATA(label), PyUnicode_DATA(other), (size_t)length * PyUnicode_KIND(label)) == 0;
}

static inline int
ints_equal(PyObject *label, PyObject *other)
{
    int64_t value, other_value;
    if (compact_int_value(label, &value) && compact_int_value(other, &other_value)) {
        return value == other_value;
    }
    PyObject *equal = PyLong_Type.tp_richcompare(label, other, Py_EQ);  /* not by a call that may raise RecursionError */
    Py_DECREF(equal);
    return equal == Py_True;
}

static inline int
bytes_equal(PyObject *label, PyObject *other)
{
    Py_ssize_t length = PyBytes_GET_SIZE(label);
    return length == PyBytes_GET_SIZE(other)
        && memcmp(PyBytes_AS_STRING(label), PyBytes_AS_STRING(other), (size_t)length) == 0;
}

static inline int
is_simple_type(PyObject *label)
{
    return PyUnicode_CheckExact(label) || PyLong_CheckExact(label) || PyTuple_CheckExact(label)
        || PyBytes_CheckExact(label);
}

/* Tuples are simple down to this depth: comparing deeper ones would need much of the thread's stack. */
#define MOST_SIMPLE_LEVELS 32

/* Whether two labels are equal if both are simple, and otherwise -1.  Types come before values: 1 and "1" are simple and
 * differ, and no one compares b"1" with "1", which Python may warn about. */
static int
simple_labels_equal(PyObject *label, PyObject *other, int levels)
{
    if (PyUnicode_CheckExact(label) && PyUnicode_CheckExact(other)) {
        return strings_equal(label, other);
    }
    if (PyTuple_CheckExact(label) && PyTuple_CheckExact(other) && levels > 0) {
        Py_ssize_t size = PyTuple_GET_SIZE(label);
        int equal = size == PyTuple_GET_SIZE(other);
        for (Py_ssize_t index = 0; index < size && equal == 1; index++) {
            PyObject *item = PyTuple_GET_ITEM(label, index), *other_item = PyTuple_GET_ITEM(other, index);
            equal = item == other_item ? 1 : simple_labels_equal(item, other_item, levels - 1);
        }
        return equal;
    }
    if (PyLong_CheckExact(label) && PyLong_CheckExact(other)) {
        return ints_equal(label, other);
    }
    if (PyBytes_CheckExact(label) && PyBytes_CheckExact(other)) {
        return bytes_equal(label, other);
    }
    if (Py_TYPE(label) == Py_TYPE(other)) {
        return -1;
    }
    return is_simple_type(label) && is_simple_type(other) ? 0 : -1;
}

#endif
