cdef extern from "c/cython_workarounds.h":
    int let_import_again(object module) except -1
    void drop_reference(object module)
