cdef extern from "c/shared_memory.h":
    void complete_shared_type(object cls, Py_ssize_t offset_of_buffer)
