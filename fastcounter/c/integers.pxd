"""The integers that users pass in."""

from libc.stdint cimport int64_t


cdef extern from "c/integers.h":
    bint compact_int_value(object number, int64_t *value)
    bint int_value(object number, int64_t *value)


cdef extern from "Python.h":
    bint PyIndex_Check(object number)
    bint PyLong_CheckExact(object number)
    object PyNumber_Index(object number)


cdef inline object as_int(object number, const char *name):
    """Convert an integer of any type to an exact int.  The error message calls it `name`.

    Call this before anything reads the count: __index__ may be Python code that uses the same counter.
    """
    if PyLong_CheckExact(number):
        return number
    if not PyIndex_Check(number):
        raise TypeError(f"{name.decode()} must be an integer, not {type(number).__name__}")
    return PyNumber_Index(number)  # an exact int, from 3.10 on


cdef inline int64_t any_as_int64(object number, const char *name) except? -1:
    cdef int64_t result = 0
    number = as_int(number, name)
    if not int_value(number, &result):
        raise OverflowError(
            f"{name.decode()} must be a signed 64-bit integer; this one has {number.bit_length()} bits and a sign"
        )
    return result


cdef inline int64_t as_int64(object number, const char *name) except? -1:
    """Convert an integer of any type to a signed 64-bit integer, or raise OverflowError."""
    cdef int64_t result
    if PyLong_CheckExact(number) and compact_int_value(number, &result):
        return result
    return any_as_int64(number, name)
