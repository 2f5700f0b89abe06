# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True, subinterpreters_compatible=own_gil
"""SharedCounter; import it from `fastcounter`."""

from cpython.buffer cimport PyBuffer_Release, PyObject_CheckBuffer
from cpython.object cimport PyObject
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uintptr_t

from fastcounter._counters cimport arguments_of_new, attributes_of, complete_module, new_instance
from fastcounter.c.atomics cimport compare_exchange, exchange, load, load_place, publish_place
from fastcounter.c.buffers cimport get_buffer
from fastcounter.c.deferred cimport defer_if_shared
from fastcounter.c.errors cimport set_error
from fastcounter.c.integers cimport as_int, as_int64
from fastcounter.c.log cimport is_log_at
from fastcounter.c.shared_count cimport raise_overflow, shared_count_add
from fastcounter.c.shared_memory cimport complete_shared_type


cdef extern from "c/cython_workarounds.h":  # changes the code that Cython generates for a module
    pass


cdef extern from "Python.h":
    PyObject *PyExc_RuntimeError


# The C-level calls use these two functions, which need no thread state.  They are `noexcept`, although they raise: what
# Cython generates for an exception in a function without the GIL calls PyGILState_Ensure().  See errors.h.

cdef inline int64_t *attached_place(SharedCounter counter) noexcept nogil:
    # Returns the address of the count, or NULL with an exception set.
    cdef int64_t *place = load_place(&counter.place)
    if place is NULL:
        set_error(PyExc_RuntimeError, "SharedCounter.__init__() has not been called")
    return place


cdef inline int add(int64_t *place, int64_t amount, int64_t *after) noexcept nogil:
    # Returns 0, or -1 with an exception set.  (If `place` is NULL, one is set.)
    return -1 if place is NULL or shared_count_add(place, amount, after) < 0 else 0


cdef inline int64_t *place_of(SharedCounter counter) except NULL:
    # For calls from Python.
    defer_if_shared(counter, &counter.deferred)
    return attached_place(counter)


cdef inline int64_t add_to(SharedCounter counter, int64_t amount) except? -1:
    # Returns the new count.
    cdef int64_t after = -1
    return after if add(place_of(counter), amount, &after) == 0 else -1


cdef int subtract_from(SharedCounter counter, int64_t amount) except -1:
    # It cannot add -amount: if amount is -2**63, that has more than 64 bits.
    cdef int64_t *place = place_of(counter)
    cdef int64_t count = load(place)
    while True:
        if count < INT64_MIN + amount if amount > 0 else count > INT64_MAX + amount:
            return raise_overflow(count, c"-", amount)
        if compare_exchange(place, &count, count - amount):
            return 0


cdef int64_t *attach(Py_buffer *buffer, object memory, Py_ssize_t begin, object offset) except NULL:
    # `offset` counts from the byte `begin` on.
    get_buffer(memory, buffer)
    cdef Py_ssize_t size = buffer.len - begin
    if not 0 <= offset <= size - <Py_ssize_t>sizeof(int64_t):
        raise ValueError(f"offset {offset} leaves no room for 8 bytes in memory of {size} bytes")
    cdef char *start = <char *>buffer.buf + begin
    cdef int64_t *place = <int64_t *>(start + <Py_ssize_t>offset)
    if <uintptr_t>place % sizeof(int64_t):
        raise ValueError(
            f"offset {offset} in memory of {size} bytes is at address {<uintptr_t>place:#x}, not at a multiple of 8"
        )
    if is_log_at(place) or (<uintptr_t>start % sizeof(int64_t) == 0 and is_log_at(start)):
        raise ValueError("the memory holds a SharedCounterMap: a SharedCounter there would change its counts")
    return place


cdef Py_ssize_t offset_of(SharedCounter counter):
    return <char *>counter.place - <char *>counter.buffer.buf


cdef class SharedCounter:
    """SharedCounter(memory=None, offset=0)
--

A counter for any number of threads, processes and interpreters, in memory that they share.

`memory` is a path, a SharedMemory of multiprocessing, any writable, contiguous buffer of bytes or integers, or None.
The count is a signed 64-bit integer in native byte order, `offset` bytes into it.  Its address has to be a multiple of
8.  Counters that are 64 bytes apart do not slow each other down.

A path, a str or an os.PathLike, names a file.  All processes that name the file share its count, which goes on when the
program starts again.  A server's workers need a path: each of them imports the application after the fork, unless it is
preloaded, and any other counter in its modules counts separately in each worker::

    requests = SharedCounter("/var/lib/shop/requests.count")

If there is no file, it is made, and is complete when it appears.  `offset` counts from the end of its header of 64
bytes.  A new file has 4096 bytes, or the whole pages that the offset needs, and a file that exists keeps its size.
Never shorten, edit or replace a file while it is used.  A file that is not a file of counts is refused, and not written
to.

Without `memory`, the counter takes 64 bytes from multiprocessing's heap, and the count is 0.  Keep it in the process
that made it while others count: when it is freed there, another counter may get its memory.  A counter made while a
child process imports the program counts separately from the parent's, and RuntimeWarning is issued.  The heap has a
lock, so do not make such a counter in a signal handler or a finalizer.

Other memory is not written to when a counter is made: if it is all zeros, the count is 0.

Which memory goes where:

- A path: any process can name it, and the counter can be pickled at any time, by the absolute path.  So it also goes
  through queues, `submit()`, `map()` and the pools of other packages.  Unpickling makes no file.  It raises
  FileNotFoundError if the file is gone, and ValueError if another one has taken its place.
- None, and a RawArray or a RawValue of multiprocessing: the counter can be passed to a process while it is started,
  in the arguments of Process or the `initargs` of a pool.  Pickling it at any other time raises TypeError.
- A SharedMemory: the counter can be pickled at any time, by the name.  The SharedMemory can be closed while counters
  live.
- An mmap: forked children inherit it, and any process can map the same file.  The counter cannot be pickled::

      memory = mmap.mmap(-1, mmap.PAGESIZE)     # before os.fork()
      jobs, errors = SharedCounter(memory), SharedCounter(memory, 64)

- Any other buffer, also the `buf` of a SharedMemory: the counter cannot be pickled.  Between interpreters, a memoryview
  is shared and a bytearray is copied.

Each call is atomic and exact.  There is no lock, so a process may be killed at any moment.  The counter holds the
buffer as long as it lives.  Closing it before that raises BufferError.  All counters of a process, or of an
interpreter, on one file or one SharedMemory share one mapping.  On free-threaded builds, from 3.14 on, a counter that
several threads have used lives until the next garbage collection.

TypeError is raised if `memory` is none of these or `offset` is not an integer, BufferError if the buffer is read-only
or not contiguous, OSError if the file cannot be opened or made, as on a full disk, and ValueError if it is not a file
of counts, or if the count would be outside the memory or not aligned.
"""

    def __init__(self, memory=None, offset=0):
        cdef int64_t free = 0
        cdef Py_ssize_t begin = 0
        offset = as_int(offset, "offset")
        if not compare_exchange(&self.attaching, &free, 1):
            raise RuntimeError("this SharedCounter is attached already")
        try:
            if not PyObject_CheckBuffer(memory):
                from fastcounter import _memory
                memory, begin = _memory.find_memory(memory, _memory.COUNTERS, type(self).__name__, offset + 8)
            publish_place(&self.place, attach(&self.buffer, memory, begin, offset))
        finally:
            if self.place is NULL:
                PyBuffer_Release(&self.buffer)
                exchange(&self.attaching, 0)

    def __dealloc__(self):
        PyBuffer_Release(&self.buffer)

    def increment(self, /):
        """Add 1 to the count and return None.

        This is one atomic step.  If the count is 2**63 - 1, OverflowError is raised and the count stays unchanged.
        """
        add_to(self, 1)

    def decrement(self, /):
        """Subtract 1 from the count and return None.

        This is one atomic step.  If the count is -2**63, OverflowError is raised and the count stays unchanged.
        """
        add_to(self, -1)

    def add(self, amount, /):
        """Add an integer to the count and return None.

        `c += amount` does the same, and `c -= amount` subtracts.

        This is one atomic step.  TypeError is raised if the amount is not an integer, and OverflowError if the amount
        or the new count does not fit a signed 64-bit integer.  The count then stays unchanged.
        """
        add_to(self, as_int64(amount, "amount"))

    def __iadd__(self, amount):
        add_to(self, as_int64(amount, "amount"))
        return self

    def __isub__(self, amount):
        subtract_from(self, as_int64(amount, "amount"))
        return self

    def increment_and_get(self, /):
        """Add 1 to the count and return the new count, an int.

        This is one atomic step.  As long as the count is only incremented, no two calls return the same number.  If the
        count is 2**63 - 1, OverflowError is raised and the count stays unchanged.  A call that raises MemoryError may
        have incremented the count.
        """
        return add_to(self, 1)

    def add_and_get(self, amount, /):
        """Add an integer to the count and return the new count, an int.

        This is one atomic step.  It raises what add() raises, and the count then stays unchanged.  A call that raises
        MemoryError may have added the amount.
        """
        return add_to(self, as_int64(amount, "amount"))

    def reset(self, /):
        """Set the count to 0 and return the previous count, an int.

        This is one atomic step.  Whatever any thread or process adds is in the result of exactly one reset, or still in
        the count.
        """
        cdef int64_t *place = place_of(self)
        cdef int64_t count = load(place)
        cdef object before
        while True:
            before = count  # an int, made before the exchange: if there is no memory for it, the count stays
            if compare_exchange(place, &count, 0):
                return before

    @property
    def value(self):
        """The count, an int.  Assign an integer to set it.

        Reading and assigning are one atomic step each.  Assigning raises TypeError if the value is not an integer, and
        OverflowError if it does not fit a signed 64-bit integer.  The count then stays unchanged.
        """
        return load(place_of(self))

    @value.setter
    def value(self, value):
        count = as_int64(value, "value")
        exchange(place_of(self), count)

    @value.deleter
    def value(self):
        raise AttributeError(f"{type(self).__name__}.value cannot be deleted")

    def __int__(self):
        return load(place_of(self))

    def __repr__(self):
        count = load(place_of(self))
        memory = <object>self.buffer.obj
        mapping = memory.obj if isinstance(memory, memoryview) else None
        offset = offset_of(self) - getattr(mapping, "fastcounter_header_size", 0)
        return f"<{type(self).__name__} at offset {offset}, count {count}>"

    def __reduce__(self):
        cdef tuple args
        cdef dict kwargs
        from fastcounter import _memory
        place_of(self)  # raises RuntimeError if the counter has no memory
        memory = _memory.picklable(<object>self.buffer.obj, type(self).__name__)
        args, kwargs = arguments_of_new(self)
        return _restore_shared, (type(self), args, kwargs, memory, offset_of(self)), attributes_of(self)

    def __copy__(self):
        raise TypeError(f"a {type(self).__name__} cannot be copied: a copy would be in the same memory")

    def __deepcopy__(self, memo):
        return self.__copy__()

    cdef int c_increment(self) except -1 nogil:
        cdef int64_t after
        return add(attached_place(self), 1, &after)

    cdef int c_add(self, int64_t amount) except -1 nogil:
        cdef int64_t after
        return add(attached_place(self), amount, &after)

    cdef int64_t c_increment_and_get(self) except? -1 nogil:
        cdef int64_t after = -1
        return after if add(attached_place(self), 1, &after) == 0 else -1

    cdef int64_t c_add_and_get(self, int64_t amount) except? -1 nogil:
        cdef int64_t after = -1
        return after if add(attached_place(self), amount, &after) == 0 else -1

    cdef int64_t c_value(self) except? -1 nogil:
        cdef int64_t *place = attached_place(self)
        return load(place) if place is not NULL else -1

    cdef int64_t c_reset(self) except? -1 nogil:
        cdef int64_t *place = attached_place(self)
        return exchange(place, 0) if place is not NULL else -1


# Pickles name these three functions and hold their arguments.  So their names and parameters may never change.

def _restore_shared(cls, args, kwargs, memory, offset):
    """Make the counter that was pickled.  `args` and `kwargs` are the arguments of its class's __new__."""
    counter = new_instance(SharedCounter, cls, args, kwargs)
    SharedCounter.__init__(counter, memory, offset)
    return counter


def _attach(name):  # pickles name it
    """Map the SharedMemory of that name."""
    from fastcounter import _memory
    return _memory.map_by_name(name)


def _attach_file(path, file_id):
    """Map the file of that path, if it is the one that was pickled."""
    from fastcounter import _files
    return _files.map_pickled_file(path, file_id)


cdef Py_ssize_t place_of_buffer(SharedCounter counter):
    return <char *>&counter.buffer - <char *><void *>counter


complete_shared_type(SharedCounter, place_of_buffer(SharedCounter.__new__(SharedCounter)))
complete_module(__name__, SharedCounter, (SharedCounter,), (_restore_shared, _attach, _attach_file), True)
