from cpython.object cimport PyObject


cdef extern from "c/errors.h":
    int set_error(PyObject *type, const char *format, ...) noexcept nogil
