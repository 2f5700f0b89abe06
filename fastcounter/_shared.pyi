"""SharedCounter; import it from `fastcounter`."""

import os
from multiprocessing.shared_memory import SharedMemory
from typing import Any, NoReturn, SupportsIndex

from typing_extensions import Buffer, Self, disjoint_base

@disjoint_base
class SharedCounter:
    """A counter for any number of threads, processes and interpreters, in memory that they share.

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
    def __init__(
        self, memory: Buffer | SharedMemory | str | os.PathLike[str] | None = None, offset: SupportsIndex = 0
    ) -> None: ...
    def __init_subclass__(cls, **kwargs: Any) -> None: ...
    def increment(self, /) -> None:
        """Add 1 to the count and return None.

        This is one atomic step.  If the count is 2**63 - 1, OverflowError is raised and the count stays unchanged.
        """
    def decrement(self, /) -> None:
        """Subtract 1 from the count and return None.

        This is one atomic step.  If the count is -2**63, OverflowError is raised and the count stays unchanged.
        """
    def add(self, amount: SupportsIndex, /) -> None:
        """Add an integer to the count and return None.

        `c += amount` does the same, and `c -= amount` subtracts.

        This is one atomic step.  TypeError is raised if the amount is not an integer, and OverflowError if the amount
        or the new count does not fit a signed 64-bit integer.  The count then stays unchanged.
        """
    def __iadd__(self, amount: SupportsIndex, /) -> Self: ...
    def __isub__(self, amount: SupportsIndex, /) -> Self: ...
    def increment_and_get(self, /) -> int:
        """Add 1 to the count and return the new count, an int.

        This is one atomic step.  As long as the count is only incremented, no two calls return the same number.  If the
        count is 2**63 - 1, OverflowError is raised and the count stays unchanged.  A call that raises MemoryError may
        have incremented the count.
        """
    def add_and_get(self, amount: SupportsIndex, /) -> int:
        """Add an integer to the count and return the new count, an int.

        This is one atomic step.  It raises what add() raises, and the count then stays unchanged.  A call that raises
        MemoryError may have added the amount.
        """
    @property
    def value(self) -> int:
        """The count, an int.  Assign an integer to set it.

        Reading and assigning are one atomic step each.  Assigning raises TypeError if the value is not an integer, and
        OverflowError if it does not fit a signed 64-bit integer.  The count then stays unchanged.
        """
    @value.setter
    def value(self, value: SupportsIndex) -> None: ...
    def reset(self, /) -> int:
        """Set the count to 0 and return the previous count, an int.

        This is one atomic step.  Whatever any thread or process adds is in the result of exactly one reset, or still in
        the count.
        """
    def __int__(self) -> int: ...
    def __copy__(self) -> NoReturn: ...
    def __deepcopy__(self, memo: object) -> NoReturn: ...

def _restore_shared(cls: Any, args: Any, kwargs: Any, memory: Any, offset: Any) -> Any: ...
def _attach(name: Any) -> Any: ...
def _attach_file(path: Any, file_id: Any) -> Any: ...
