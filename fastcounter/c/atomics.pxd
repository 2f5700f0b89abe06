from libc.stdint cimport int64_t


cdef extern from "c/atomics.h" nogil:
    int64_t load "_Py_atomic_load_int64"(const int64_t *place)
    int64_t exchange "_Py_atomic_exchange_int64"(int64_t *place, int64_t value)
    bint compare_exchange "_Py_atomic_compare_exchange_int64"(int64_t *place, int64_t *expected, int64_t value)

    # Pointers.
    int64_t *load_place "LOAD"(int64_t *const *place)
    void publish_place "PUBLISH"(int64_t **place, int64_t *address)
