from cpython.object cimport PyObject

from fastcounter.c.cell cimport counter_cell


cdef extern from "c/map.h":
    ctypedef struct table_cursor:
        pass

    ctypedef struct table_entry:
        PyObject *label
        counter_cell value

    ctypedef struct label_table:
        pass

    ctypedef struct taken_table:
        taken_table *next
        label_table table

    int map_step(object counts, object label, int step) except -1
    int map_add(object counts, object label, object amount) except -1
    object map_get(object counts, object label, PyObject *missing)
    bint map_contains(object counts, object label) except -1
    Py_ssize_t map_length(object counts)
    size_t map_size(object counts)
    table_cursor map_all(object counts)
    table_cursor table_all(label_table *table)
    table_entry *table_next(table_cursor *cursor)
    bint FORKS_TAKE_LOCK
    taken_table *map_take(object counts) except NULL
    void map_keep(object counts, taken_table *taken)
    void free_taken(taken_table *taken)
    bint is_map_at(object counts, void *place, size_t size)
    void complete_map_type(object cls)
