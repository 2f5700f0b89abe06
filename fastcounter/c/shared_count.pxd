from libc.stdint cimport int64_t


cdef extern from "c/shared_count.h" nogil:
    int raise_overflow(int64_t count, char sign, int64_t amount) noexcept
    int shared_count_add(int64_t *place, int64_t amount, int64_t *after) noexcept
