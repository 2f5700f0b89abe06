cdef extern from "c/types.h":
    bint is_immutable(object cls)
    void make_immutable(object cls)
