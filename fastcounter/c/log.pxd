cdef extern from "c/log.h":
    bint is_log_at(const void *begin)
