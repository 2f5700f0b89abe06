/* Labels that processes share: str, bytes, int, and tuples of these, nested too.
 *
 * A label is made exact before it is looked up: an instance of one of these classes, not of a subclass, or a tuple of
 * such objects.  _labels.pxi does that, and makes the bytes that a label has in memory.  What is here tells whether it
 * has to.  Exact labels are simple, so to hash and compare them runs no Python code; see labels.h. */
#ifndef FASTCOUNTER_EXACT_LABELS_H
#define FASTCOUNTER_EXACT_LABELS_H

#include "labels.h"
#include "log.h"

enum {
    DEEPEST_LABEL = MOST_SIMPLE_LEVELS,  /* of tuples, as hashing a deep tuple takes a large stack */
    LEAST_ITEM = 2,      /* bytes: the length of an item, and its tag */
    LONG_ITEM = 255,     /* bytes: from here on a length takes three bytes */
};

/* Whether a label is exact.  `level` is the number of tuples around it.  `room` is what is left of LARGEST_LABEL: it
 * ends the walk through a tuple that contains the same large tuples again and again. */
static int
is_exact_item(PyObject *label, int level, Py_ssize_t *room)
{
    *room -= LEAST_ITEM;
    if (*room < 0) {
        return 0;
    }
    if (!PyTuple_CheckExact(label)) {
        return PyUnicode_CheckExact(label) || PyLong_CheckExact(label) || PyBytes_CheckExact(label);
    }
    int is_exact = level < DEEPEST_LABEL;
    for (Py_ssize_t index = 0; is_exact && index < PyTuple_GET_SIZE(label); index++) {
        is_exact = is_exact_item(PyTuple_GET_ITEM(label, index), level + 1, room);
    }
    return is_exact;
}

static inline int
is_exact_label(PyObject *label)
{
    Py_ssize_t room = LARGEST_LABEL + LEAST_ITEM;
    return PyUnicode_CheckExact(label) || is_exact_item(label, 0, &room);
}

#endif
