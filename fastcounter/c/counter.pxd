from fastcounter.c.cell cimport cell_kind, counter_cell


cdef extern from "c/counter.h":
    const Py_ssize_t CELL_OFFSET

    int counter_init(object counter) except -1
    void counter_set_kind(object counter, cell_kind kind)
    void counter_clear(object counter)
    counter_cell *cell_of(object counter)
    void complete_counter_type(object cls)
