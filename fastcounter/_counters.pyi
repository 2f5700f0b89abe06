"""The compiled counters; import them from `fastcounter`."""

from typing import Any, SupportsIndex

from typing_extensions import Self, disjoint_base

@disjoint_base
class _Counter:
    def __init__(self, initial: SupportsIndex = 0) -> None: ...
    def __init_subclass__(cls, **kwargs: Any) -> None: ...
    def increment(self, /) -> None:
        """Add 1 to the count and return None.

        This is one atomic step.  With the GIL it takes about as long as calling a compiled method that does nothing.
        """
    def decrement(self, /) -> None:
        """Subtract 1 from the count and return None.

        This is one atomic step, which takes as long as `increment()`.
        """
    def add(self, amount: SupportsIndex, /) -> None:
        """Add an integer of any size and sign to the count and return None.

        `c += amount` does the same, and `c -= amount` subtracts.

        This is one atomic step, however large the amount.  If the amount is not an integer, TypeError is raised and the
        count stays unchanged.
        """
    def __iadd__(self, amount: SupportsIndex, /) -> Self: ...
    def __isub__(self, amount: SupportsIndex, /) -> Self: ...
    def reset(self, /) -> int:
        """Set the count to 0 and return the previous count, an int.

        This is one atomic step.  Whatever any thread adds is in the result of exactly one reset, or still in the count.
        """
    def __int__(self) -> int: ...

class _ReturningCounter(_Counter):
    @property
    def value(self) -> int:
        """The count, an int.  Assign an integer to set it, unless this is a FastWriteCounter.

        With the GIL, reading takes as long as reading an attribute of a class with `__slots__`.  Without it, reading
        makes an int.  Reading and assigning are one atomic step each.  If the assigned value is not an integer,
        TypeError is raised and the count stays unchanged.
        """
    @value.setter
    def value(self, value: SupportsIndex) -> None: ...
    def increment_and_get(self, /) -> int:
        """Add 1 to the count and return the new count, an int.

        This is one atomic step.  As long as the count is only incremented, no two calls return the same number.
        Without the GIL, a call that raises MemoryError may have incremented the count.
        """
    def add_and_get(self, amount: SupportsIndex, /) -> int:
        """Add an integer of any size and sign to the count and return the new count, an int.

        This is one atomic step.  If the amount is not an integer, TypeError is raised and the count stays unchanged.
        Without the GIL, a call that raises MemoryError may have added the amount.
        """

@disjoint_base
class SingleThreadCounter(_ReturningCounter):
    """A counter for one thread.  Its count is the attribute `value`.

    With the GIL any number of threads may use it, and each call is atomic.  On a free-threaded build, use it from one
    thread only: if several threads use it at once, nothing breaks, but additions, resets and assignments may be lost.

    `initial` is the integer to count from.  Anything else raises TypeError.
    """

@disjoint_base
class FastReadCounter(_ReturningCounter):
    """A counter for any number of threads that often read.  Its count is the attribute `value`.

    Each call is atomic and exact, with and without the GIL.

    `initial` is the integer to count from.  Anything else raises TypeError.
    """

@disjoint_base
class FastWriteCounter(_Counter):
    """A counter for any number of threads that seldom read.  The method `value()` returns its count.

    Each call is exact, with and without the GIL.  On a free-threaded build the threads add to different parts of the count,
    so they rarely slow each other down, and a read adds up the parts.  It has no `increment_and_get()`, because that would
    read at each call.  Use a FastReadCounter for that.

    `initial` is the integer to count from.  Anything else raises TypeError.
    """
    def value(self, /) -> int:
        """Return the count, an int.

        With the GIL this is one atomic step.  On a free-threaded build, the result counts every increment that happened
        before the call: those of the calling thread, and those that another thread made before it released a lock, set
        an event, put an item into a queue or ended, if the calling thread has since acquired that lock, seen that
        event, taken that item or joined that thread.  It counts no increment before it is made.  While threads only
        increment, the counts that one thread reads never decrease.  There is no single order over several counters: use
        a FastReadCounter for that.
        """

def _restore(cls: type[_Counter], *state: int) -> _Counter: ...
def _restore_with(cls: type[_Counter], args: tuple[Any, ...], kwargs: dict[str, Any], *state: int) -> _Counter: ...
