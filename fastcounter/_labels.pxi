# Labels that processes share; part of _shared_map.pyx.  c/exact_labels.h tells whether a label is exact.
#
# In memory a label is a tag and what belongs to it.  Equal labels have equal bytes, and different ones different bytes:
#
#     s         and a text in UTF-8, in which a lone surrogate has three bytes
#     b         and bytes
#     + or -    and the absolute value of an int, the highest byte first, in as few bytes as it takes; 0 is +
#     (         and for each item of a tuple its length and its bytes; from 255 on the length is 255 and two bytes

cdef object exact_label(object label, bint reading):
    """Return the exact label that is equal to an object.

    If there is none, raise TypeError or ValueError.  If `reading`, return None instead, unless the object is not
    hashable.
    """
    cdef Py_ssize_t room = LARGEST_LABEL + LEAST_ITEM
    return exact_item(label, reading, 0, &room)


# For `level` and `room` see is_exact_item() in exact_labels.h.
cdef object exact_item(object label, bint reading, int level, Py_ssize_t *room):
    room[0] -= LEAST_ITEM
    if room[0] < 0:
        return not_a_label(reading, ValueError, too_large())
    if isinstance(label, str):
        return PyUnicode_FromObject(label)
    if isinstance(label, bytes):
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(label), PyBytes_GET_SIZE(label))
    if isinstance(label, tuple):
        if level >= DEEPEST_LABEL:
            return not_a_label(reading, ValueError, f"tuples in a label nest at most {DEEPEST_LABEL} levels deep")
        return exact_tuple(<tuple>label, reading, level + 1, room)
    if PyIndex_Check(label):
        return PyNumber_Index(label)  # an exact int, from 3.10 on
    if reading:
        hash(label)
    allowed = "a label is a str, bytes, an int or a tuple of such"
    return not_a_label(reading, TypeError, f"{allowed}, not {type(label).__name__}")


cdef object exact_tuple(tuple label, bint reading, int level, Py_ssize_t *room):
    cdef list items = [
        exact_item(<object>PyTuple_GET_ITEM(label, index), reading, level, room)
        for index in range(PyTuple_GET_SIZE(label))
    ]
    return None if None in items else tuple(items)


cdef object not_a_label(bint reading, error, str message):
    if reading:
        return None
    raise error(message)


cdef str too_large():
    return f"a label takes at most {LARGEST_LABEL:,} bytes, and this one takes more"


cdef object encode_label "encode_label"(object label):
    """Return the bytes of an exact label.  Raise ValueError if there are too many."""
    cdef list parts
    cdef Py_ssize_t size = 0
    if isinstance(label, int):
        size = (label.bit_length() + 7) // 8
        check_size(size)
        encoded = (b"-" if label < 0 else b"+") + abs(label).to_bytes(size, "big")
    elif isinstance(label, tuple):
        parts = []  # a list that begins with items crashes 3.13t if memory runs out (python/cpython#152125)
        parts.append(b"(")
        for item in <tuple>label:
            part = encode_label(item)
            size += len(part)
            check_size(size)
            parts.append(encode_size(len(part)))
            parts.append(part)
        encoded = b"".join(parts)
    else:
        check_size(len(label))
        encoded = b"b" + <bytes>label if isinstance(label, bytes) else b"s" + label.encode("utf-8", "surrogatepass")
    check_size(len(encoded))
    return encoded


cdef int check_size(Py_ssize_t size) except -1:
    if size > LARGEST_LABEL:
        raise ValueError(too_large())
    return 0


cdef bytes encode_size(Py_ssize_t size):
    return size.to_bytes(1, "big") if size < LONG_ITEM else b"\xff" + size.to_bytes(2, "big")


cdef object decode_label "decode_label"(object encoded):
    """Return the label that has these bytes, or None if there is none."""
    return decode_item(encoded, 0)


cdef object decode_item(bytes encoded, int level):
    if not encoded:
        return None
    tag, rest = encoded[:1], encoded[1:]
    if tag == b"s":
        try:
            return rest.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return None
    if tag == b"b":
        return rest
    if tag == b"+":
        return None if rest[:1] == b"\0" else int.from_bytes(rest, "big")
    if tag == b"-":
        return None if rest[:1] in (b"\0", b"") else -int.from_bytes(rest, "big")
    if tag == b"(" and level < DEEPEST_LABEL:
        return decode_tuple(rest, level + 1)
    return None


cdef object decode_tuple(bytes encoded, int level):
    cdef list items = []
    cdef Py_ssize_t start = 0, size
    while start < len(encoded):
        size = encoded[start]
        start += 1
        if size == LONG_ITEM:
            size = int.from_bytes(encoded[start:start + 2], "big")
            start += 2
            if size < LONG_ITEM:
                return None  # it fits one byte
        if size > len(encoded) - start:
            return None
        items.append(decode_item(encoded[start:start + size], level))
        start += size
    return None if None in items else tuple(items)
