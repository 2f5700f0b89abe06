from cpython.object cimport PyObject
from libc.stdint cimport int64_t


cdef extern from "c/shared_map.h":
    enum:
        LINE
        LARGEST_LABEL
        LEAST_ITEM
        LONG_ITEM
        DEEPEST_LABEL

    enum log_status:
        LOG_OPEN
        LOG_TOO_SMALL
        LOG_NOT_ALIGNED
        LOG_NOT_EMPTY
        LOG_NOT_A_LOG
        LOG_CUT_OFF

    ctypedef struct label_log:
        char *begin
        Py_ssize_t size

    ctypedef struct table_value:
        pass

    ctypedef struct table_entry:
        PyObject *label
        table_value value

    ctypedef struct table_cursor:
        pass

    ctypedef struct shared_map:
        label_log log

    bint is_exact_label(object label)
    int shared_map_open(shared_map *map, char *begin, Py_ssize_t size, int64_t *number) except -1
    void shared_map_free(shared_map *map)
    int shared_map_add(shared_map *map, object label, int64_t amount) except -1
    int shared_map_refresh(shared_map *map) except -1
    object shared_map_get(shared_map *map, PyObject *label, PyObject *missing)
    bint shared_map_contains(shared_map *map, object label) except -1
    Py_ssize_t shared_map_length(shared_map *map) except -1
    table_cursor shared_map_all(shared_map *map)
    table_entry *shared_map_next(table_cursor *cursor)
    object label_count(table_value *value)
    object shared_map_reset(shared_map *map)
    Py_ssize_t shared_map_used(shared_map *map)
