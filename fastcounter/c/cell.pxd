cdef extern from "c/cell.h":
    ctypedef struct counter_cell:
        pass

    enum cell_kind:
        CELL_ATOMIC
        CELL_STRIPED

    void cells_prepare(int processors)
    object cell_get(counter_cell *cell)
    object cell_exchange(counter_cell *cell, object count)
    object cell_reset(counter_cell *cell)
    int cell_step(counter_cell *cell, int step, const size_t *resets) except -1
    bint cell_try_add(counter_cell *cell, object amount)
    int cell_add(counter_cell *cell, object amount, const size_t *resets) except -1
    object cell_increment_and_get(counter_cell *cell)
    object cell_add_and_get(counter_cell *cell, object amount)
