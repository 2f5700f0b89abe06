# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True, subinterpreters_compatible=own_gil
"""SharedCounterMap; import it from `fastcounter`."""

from _collections_abc import KeysView, Mapping, ValuesView  # of collections.abc, which imports far more
from types import GenericAlias

from cpython.buffer cimport PyBuffer_Release, PyObject_CheckBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_WarnEx
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t, uintptr_t

from fastcounter._counters cimport arguments_of_new, attributes_of, complete_module, new_instance
from fastcounter._map cimport counts_equal, iterate, largest_counts
from fastcounter.c.atomics cimport compare_exchange, exchange, load
from fastcounter.c.buffers cimport get_buffer
from fastcounter.c.deferred cimport defer_if_shared
from fastcounter.c.integers cimport PyIndex_Check, PyNumber_Index, as_int, as_int64
from fastcounter.c.shared_map cimport (
    DEEPEST_LABEL,
    LARGEST_LABEL,
    LEAST_ITEM,
    LINE,
    LOG_CUT_OFF,
    LOG_NOT_A_LOG,
    LOG_NOT_ALIGNED,
    LOG_NOT_EMPTY,
    LOG_OPEN,
    LOG_TOO_SMALL,
    LONG_ITEM,
    is_exact_label,
    label_count,
    shared_map,
    shared_map_add,
    shared_map_all,
    shared_map_contains,
    shared_map_free,
    shared_map_get,
    shared_map_length,
    shared_map_next,
    shared_map_open,
    shared_map_refresh,
    shared_map_reset,
    shared_map_used,
    table_cursor,
    table_entry,
)
from fastcounter.c.shared_memory cimport complete_shared_type

from fastcounter._views import CountItems


cdef extern from "c/cython_workarounds.h":  # changes the code that Cython generates for a module
    pass


cdef extern from "Python.h":
    object PyUnicode_FromObject(object text)


include "_labels.pxi"


cdef inline shared_map *map_of(SharedCounterMap counts) noexcept:
    return <shared_map *>counts.map


cdef inline int add_to(SharedCounterMap counts, object label, int64_t amount) except -1:
    defer_if_shared(counts, &counts.deferred)
    if not is_exact_label(label):
        label = exact_label(label, False)
    return shared_map_add(map_of(counts), label, amount)


cdef inline object label_to_read(object label):
    # Returns None if no label can be equal to it.
    return label if is_exact_label(label) else exact_label(label, True)


cdef object count_of(SharedCounterMap counts, object label, PyObject *missing):
    defer_if_shared(counts, &counts.deferred)
    label = label_to_read(label)
    return shared_map_get(map_of(counts), NULL if label is None else <PyObject *>label, missing)


cdef str what_is_wrong(int status, const char *begin, Py_ssize_t size, int64_t number):
    if status == LOG_TOO_SMALL:
        return f"memory of {size} bytes is too small for a SharedCounterMap, which needs {2 * LINE}"
    if status == LOG_NOT_ALIGNED:
        return f"memory of {size} bytes is at address {<uintptr_t>begin:#x}, not at a multiple of 8"
    if status == LOG_NOT_EMPTY:
        return f"memory that is no SharedCounterMap has to be all zeros; this has others at offset {number}"
    if status == LOG_NOT_A_LOG:
        found = <bytes>begin[:8]
        return f"the memory is no SharedCounterMap of this version and byte order, and not all zeros: it has {found!r}"
    if status == LOG_CUT_OFF:
        return f"the memory has {size} bytes, and the SharedCounterMap in it {number}"
    return f"the memory is damaged: its SharedCounterMap cannot have {number} bytes"


cdef class SharedCounterMap:
    """SharedCounterMap(memory=None, size=None)
--

A count for each label, for any number of threads, processes and interpreters, in memory that they share.

`counts[label]` is a label's count, an int, and 0 for a new label.  A label is a str, bytes, an int or a tuple of such,
nested up to 32 levels deep.  An instance of a subclass, or what has `__index__`, is the same label as the str, bytes,
int or tuple that it stands for: `True` is 1, and `HTTPStatus.OK` is 200.  All processes get labels of the built-in
classes.  Counting any other object raises TypeError.  For reading, it is a label that is not there.

For reading, the map is a mapping: `in`, `len()`, iteration, `get()`, `keys()`, `values()`, `items()` and `==` do what
they do for a dict.  Assigning to `counts[label]` raises TypeError, because `counts[label] += 1` would be two steps: use
`increment()` or `add()`.

`memory` is what it is for a SharedCounter, and the map can be passed to processes as that can:

- None: memory of multiprocessing's heap, for processes that are started with the map as an argument.
- A path, a str or an os.PathLike: a file that any process can name.  It is made if it is missing.
- A SharedMemory of multiprocessing, or any writable, contiguous buffer at an address that is a multiple of 8.  Memory
  that is all zeros is an empty map.  Other memory that is not a map raises ValueError, and is not written to.

`size` is for memory that the map makes, which is a new file, or memory of its own if `memory` is None: the number of
bytes, or 1 MiB if `size` is None.  A file that is there already keeps its size, and if that is smaller, RuntimeWarning
is issued.

A label of up to about 45 bytes in UTF-8 takes 64 bytes.  A longer one takes more, and none may have more than 65,535
bytes.  If processes count one label at the same time again and again, it takes up to eight times as much, as long as
less than half of the memory is used.  A label stays, even after a reset.  If there is no room for a new label, counting
it raises ValueError, and all other labels can still be counted.

Each call is exact.  An addition is one atomic step, and an increment that happened before a read is in it.  A call for
all labels takes one count after another.  There is no lock, so a process may be killed at any moment, and nobody waits
for another: each increment that has returned is counted, and one that has not is counted at most once.  A label's count
is the sum of one or more signed 64-bit integers.  If one of them cannot take an amount, OverflowError is raised and
nothing changes.  A count that also goes down can be read a little wrong while it does.

If the memory is damaged, any call that takes in what other processes have added, which is one that reads or counts a
new label, raises a ValueError that says where.
"""

    def __init__(self, memory=None, size=None):
        cdef Py_ssize_t begin = 0
        name = type(self).__name__
        if size is not None:
            size = as_int(size, "size")
            if size < 2 * LINE:
                raise ValueError(f"the size of a {name} is at least {2 * LINE} bytes, not {size}")
            size += -size % LINE
        self.start_attaching()
        try:
            if not PyObject_CheckBuffer(memory):
                from fastcounter import _memory
                memory, begin = _memory.find_memory(memory, _memory.MAP, name, size)
            elif size is not None:
                raise ValueError(f"size is for memory that a {name} makes, and a {type(memory).__name__} has its size")
            self.attach(memory, begin)
        finally:
            self.finish_attaching()

    cdef int start_attaching(self) except -1:
        cdef int64_t free = 0
        if not compare_exchange(&self.attaching, &free, 1):
            raise RuntimeError("this SharedCounterMap is attached already")
        return 0

    cdef int finish_attaching(self) except -1:
        if map_of(self).log.begin is NULL:
            PyBuffer_Release(&self.buffer)
            exchange(&self.attaching, 0)
        return 0

    cdef int attach(self, object memory, Py_ssize_t begin) except -1:
        # The map is in the bytes of the memory from `begin` on.
        cdef int64_t number = 0
        get_buffer(memory, &self.buffer)
        if not 0 <= begin <= self.buffer.len:
            raise ValueError(f"byte {begin} is not in memory of {self.buffer.len} bytes")
        cdef char *address = <char *>self.buffer.buf + begin
        cdef Py_ssize_t size = self.buffer.len - begin
        view = <object>self.buffer.obj
        mapping = view.obj if isinstance(view, memoryview) else None
        self.watches = getattr(mapping, "fastcounter_header_size", 0) > 0  # a file
        status = shared_map_open(map_of(self), address, size, &number)
        if status != LOG_OPEN:
            raise ValueError(what_is_wrong(status, address, size, number))
        return 0

    def __dealloc__(self):
        shared_map_free(map_of(self))
        PyBuffer_Release(&self.buffer)

    def increment(self, label, /):
        """Add 1 to the count of a label and return None.  A new label starts at 0.

        This is one atomic step.  TypeError or ValueError is raised if it is not a label, ValueError if it is new and
        there is no room for it, and OverflowError if the count cannot grow.  Then nothing is counted.
        """
        add_to(self, label, 1)

    def decrement(self, label, /):
        """Subtract 1 from the count of a label and return None.  A new label starts at 0.

        This is one atomic step.  It raises what `increment()` raises.
        """
        add_to(self, label, -1)

    def add(self, label, amount, /):
        """Add an integer to the count of a label and return None.  A new label starts at 0.

        This is one atomic step.  It raises what `increment()` raises, TypeError if the amount is not an integer, and
        OverflowError if it does not fit a signed 64-bit integer.  Then nothing is counted.
        """
        add_to(self, label, as_int64(amount, "amount"))

    def update(self, counts, /):
        """Count all labels of an iterable, or add all counts of a mapping, and return None.

        Each label is one atomic step.  TypeError is raised if `counts` is neither.  Whatever `add()` or the iterable
        raises is raised too, and what came before that has been counted.  But if an amount of a mapping is not an
        integer, or has more than 64 bits, nothing is counted.
        """
        cdef dict amounts
        if not isinstance(counts, Mapping):
            for label in iterate(counts, self):
                add_to(self, label, 1)
            return
        amounts = {label: as_int64(amount, "count") for label, amount in dict(counts).items()}
        for label, amount in amounts.items():
            add_to(self, label, amount)

    def reset(self, /):
        """Set all counts to 0 and return a dict of those that were not 0.

        Whatever any thread or process adds is in the result of exactly one reset, or still in the map.  Labels stay in
        the map.
        """
        self.prepare_to_read_all()
        return shared_map_reset(map_of(self))

    def most_common(self, n=None):
        """Return a list of pairs of a label and its count, the largest counts first.

        Labels with equal counts are in the order in which they were added.  With an integer `n`, the list has no more
        than `n` pairs.  It reads one count after another.
        """
        return largest_counts(self.counts(), n)

    def total(self, /):
        """Return the sum of all counts, an int.

        It reads one count after another.  So it may include some of the additions that are made meanwhile.
        """
        self.prepare_to_read_all()
        cdef table_cursor cursor = shared_map_all(map_of(self))
        cdef table_entry *entry = shared_map_next(&cursor)
        cdef object total = 0
        while entry is not NULL:
            total += label_count(&entry.value)
            entry = shared_map_next(&cursor)
        return total

    def get(self, label, default=None, /):
        """Return the count of a label, an int.  If the map does not have the label, return `default`."""
        return count_of(self, label, <PyObject *>default)

    def keys(self, /):
        """Return a view of the labels.  Iterating over it goes over the labels that are there when that begins."""
        return KeysView(self)

    def values(self, /):
        """Return a view of the counts.  Iterating over it reads one count after another."""
        return ValuesView(self)

    def items(self, /):
        """Return a view of pairs of a label and its count.  Iterating over it reads one count after another."""
        return CountItems(self)

    def __getitem__(self, label):
        return count_of(self, label, NULL)

    def __setitem__(self, label, count):
        raise TypeError(f"the counts of a {type(self).__name__} cannot be assigned; use add(label, amount)")

    def __delitem__(self, label):
        raise TypeError(
            f"the labels of a {type(self).__name__} cannot be deleted; use reset(), or add(label, amount) for one count"
        )

    def __contains__(self, label):
        defer_if_shared(self, &self.deferred)
        label = label_to_read(label)
        return label is not None and shared_map_contains(map_of(self), label)

    def __len__(self):
        return shared_map_length(map_of(self))

    def __iter__(self):
        return iter(self.labels())

    def __eq__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        return counts_equal(self.counts(), other)

    def __repr__(self):
        cdef shared_map *map = map_of(self)
        labels = shared_map_length(map)
        used = shared_map_used(map)
        return f"<{type(self).__name__} with {labels} labels, {used} of {map.log.size} bytes used>"

    def __reduce__(self):
        cdef tuple args
        cdef dict kwargs
        from fastcounter import _memory
        shared_map_refresh(map_of(self))  # raises RuntimeError if the map has no memory
        memory = _memory.picklable(<object>self.buffer.obj, type(self).__name__)
        args, kwargs = arguments_of_new(self)
        begin = map_of(self).log.begin - <char *>self.buffer.buf
        return _restore_shared_map, (type(self), args, kwargs, memory, begin), attributes_of(self)

    def __copy__(self):
        raise TypeError(f"a {type(self).__name__} cannot be copied: a copy would be in the same memory")

    def __deepcopy__(self, memo):
        return self.__copy__()

    cdef int prepare_to_read_all(self) except -1:
        defer_if_shared(self, &self.deferred)
        shared_map_refresh(map_of(self))  # first, since it raises RuntimeError if the map has no memory
        if load(&self.watches):
            self.look_at_file()
        return 0

    cdef int look_at_file(self) except -1:
        mapping = (<object>self.buffer.obj).obj  # a FileMapping
        if mapping.is_replaced() and exchange(&self.watches, 0):
            message = f"{mapping.path!r} is another file by now, or none: this process goes on with the one it has"
            PyErr_WarnEx(RuntimeWarning, message.encode("utf-8", "backslashreplace"), 1)
        return 0

    cdef list labels(self):
        self.prepare_to_read_all()
        cdef table_cursor cursor = shared_map_all(map_of(self))
        cdef table_entry *entry = shared_map_next(&cursor)
        labels = []
        while entry is not NULL:
            labels.append(<object>entry.label)
            entry = shared_map_next(&cursor)
        return labels

    cdef dict counts(self):
        self.prepare_to_read_all()
        cdef table_cursor cursor = shared_map_all(map_of(self))
        cdef table_entry *entry = shared_map_next(&cursor)
        counts = {}
        while entry is not NULL:
            counts[<object>entry.label] = label_count(&entry.value)
            entry = shared_map_next(&cursor)
        return counts

    cdef int c_increment(self, object label) except -1:
        return add_to(self, label, 1)

    cdef int c_add(self, object label, int64_t amount) except -1:
        return add_to(self, label, amount)

    cdef object c_value(self, object label):
        return count_of(self, label, NULL)


# Pickles name this function and hold its arguments.  So its name and parameters may never change.
def _restore_shared_map(cls, args, kwargs, memory, begin):
    """Make the map that was pickled.  `args` and `kwargs` are the arguments of its class's __new__."""
    counts = new_instance(SharedCounterMap, cls, args, kwargs)
    restore(counts, memory, begin)
    return counts


cdef int restore(SharedCounterMap counts, object memory, Py_ssize_t begin) except -1:
    counts.start_attaching()
    try:
        return counts.attach(memory, begin)
    finally:
        counts.finish_attaching()


cdef Py_ssize_t place_of_buffer(SharedCounterMap counts) except -1:
    if sizeof(shared_map) > sizeof(counts.map):
        raise SystemError("a SharedCounterMap has no room for what shared_map.h puts there")
    return <char *>&counts.buffer - <char *><void *>counts


complete_shared_type(SharedCounterMap, place_of_buffer(SharedCounterMap.__new__(SharedCounterMap)))
SharedCounterMap.__class_getitem__ = classmethod(GenericAlias)
SharedCounterMap.__reversed__ = None  # as for Mapping; otherwise reversed() would take the labels to be 0, 1, 2, ...
Mapping.register(SharedCounterMap)
complete_module(__name__, SharedCounterMap, (SharedCounterMap,), (_restore_shared_map,), True)
