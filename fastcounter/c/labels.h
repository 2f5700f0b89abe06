/* Hashing and comparing labels, without Python code where they are of type str. */
#ifndef FASTCOUNTER_LABELS_H
#define FASTCOUNTER_LABELS_H

#include <string.h>

#include "atomics.h"

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

/* Whether two labels with the same hash are equal, or -1 if comparing them fails. */
static int
labels_equal(PyObject *label, PyObject *other)
{
    if (PyUnicode_CheckExact(label) && PyUnicode_CheckExact(other)) {
        Py_ssize_t length = PyUnicode_GET_LENGTH(label);
        return length == PyUnicode_GET_LENGTH(other) && PyUnicode_KIND(label) == PyUnicode_KIND(other)
            && memcmp(PyUnicode_DATA(label), PyUnicode_DATA(other), (size_t)length * PyUnicode_KIND(label)) == 0;
    }
    return PyObject_RichCompareBool(label, other, Py_EQ);
}

#endif
