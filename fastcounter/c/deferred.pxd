from libc.stdint cimport uint8_t


cdef extern from "c/deferred.h":
    void defer_if_shared(object counter, uint8_t *deferred)
