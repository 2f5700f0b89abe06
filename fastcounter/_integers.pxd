"""The integers that users hand in."""

cdef extern from "Python.h":
    bint PyIndex_Check(object number)
    bint PyLong_CheckExact(object number)
    object PyNumber_Index(object number)


cdef inline object as_int(object number, const char *name):
    """The exact int that `number` stands for, whose name is for the error message.

    To be called before a count is touched: __index__ may be Python code, and may use the same counter.
    """
    if PyLong_CheckExact(number):
        return number
    if not PyIndex_Check(number):
        raise TypeError(f"{name.decode()} must be an integer, not {type(number).__name__}")
    return PyNumber_Index(number)  # from 3.10 always an exact int
