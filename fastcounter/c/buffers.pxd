"""The buffers that users pass in."""

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_WRITABLE, PyObject_GetBuffer


cdef inline int get_buffer(object memory, Py_buffer *buffer) except -1:
    """Get a writable, contiguous buffer to count in.  The caller releases it, also if this raises.

    Raises BufferError if there is none, and TypeError if it holds floats, complex numbers or objects.
    """
    try:
        PyObject_GetBuffer(memory, buffer, PyBUF_WRITABLE | PyBUF_ND | PyBUF_FORMAT)
    except ValueError as error:  # from numpy
        raise BufferError(*error.args) from None
    if buffer.format is not NULL:
        format = buffer.format.decode("latin-1")
        codes = format.lstrip("@=<>!^|0123456789").replace("Z", "")  # Zd is a complex number of two d
        if codes and not codes.strip("efdgFDGO"):
            raise TypeError(
                f"memory must hold bytes or integers, not floats, complex numbers or objects (format {format!r})"
            )
    return 0
