"""SharedCounterMap; import it from `fastcounter`."""

import os
from collections.abc import Iterable, Iterator, Mapping
from multiprocessing.shared_memory import SharedMemory
from types import GenericAlias
from typing import Any, ClassVar, NoReturn, SupportsIndex, TypeVar, overload

from typing_extensions import Buffer, disjoint_base

_Label = TypeVar("_Label")
_Default = TypeVar("_Default")

@disjoint_base
class SharedCounterMap(Mapping[_Label, int]):
    """A count for each label, for any number of threads, processes and interpreters, in memory that they share.

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
    def __init__(
        self, memory: Buffer | SharedMemory | str | os.PathLike[str] | None = None, size: SupportsIndex | None = None
    ) -> None: ...
    def __init_subclass__(cls, **kwargs: Any) -> None: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    def increment(self, label: _Label, /) -> None:
        """Add 1 to the count of a label and return None.  A new label starts at 0.

        This is one atomic step.  TypeError or ValueError is raised if it is not a label, ValueError if it is new and
        there is no room for it, and OverflowError if the count cannot grow.  Then nothing is counted.
        """
    def decrement(self, label: _Label, /) -> None:
        """Subtract 1 from the count of a label and return None.  A new label starts at 0.

        This is one atomic step.  It raises what `increment()` raises.
        """
    def add(self, label: _Label, amount: SupportsIndex, /) -> None:
        """Add an integer to the count of a label and return None.  A new label starts at 0.

        This is one atomic step.  It raises what `increment()` raises, TypeError if the amount is not an integer, and
        OverflowError if it does not fit a signed 64-bit integer.  Then nothing is counted.
        """
    def reset(self, /) -> dict[_Label, int]:
        """Set all counts to 0 and return a dict of those that were not 0.

        Whatever any thread or process adds is in the result of exactly one reset, or still in the map.  Labels stay in
        the map.
        """
    @overload
    def update(self, counts: Mapping[_Label, SupportsIndex], /) -> None:
        """Count all labels of an iterable, or add all counts of a mapping, and return None.

        Each label is one atomic step.  TypeError is raised if `counts` is neither.  Whatever `add()` or the iterable
        raises is raised too, and what came before that has been counted.  But if an amount of a mapping is not an
        integer, or has more than 64 bits, nothing is counted.
        """
    @overload
    def update(self, counts: Iterable[_Label], /) -> None:
        """Count all labels of an iterable, or add all counts of a mapping, and return None.

        Each label is one atomic step.  TypeError is raised if `counts` is neither.  Whatever `add()` or the iterable
        raises is raised too, and what came before that has been counted.  But if an amount of a mapping is not an
        integer, or has more than 64 bits, nothing is counted.
        """
    def most_common(self, n: SupportsIndex | None = None) -> list[tuple[_Label, int]]:
        """Return a list of pairs of a label and its count, the largest counts first.

        Labels with equal counts are in the order in which they were added.  With an integer `n`, the list has no more
        than `n` pairs.  It reads one count after another.
        """
    def total(self, /) -> int:
        """Return the sum of all counts, an int.

        It reads one count after another.  So it may include some of the additions that are made meanwhile.
        """
    @overload
    def get(self, label: _Label, default: None = None, /) -> int | None:
        """Return the count of a label, an int.  If the map does not have the label, return `default`."""
    @overload
    def get(self, label: _Label, default: int, /) -> int:
        """Return the count of a label, an int.  If the map does not have the label, return `default`."""
    @overload
    def get(self, label: _Label, default: _Default, /) -> int | _Default:
        """Return the count of a label, an int.  If the map does not have the label, return `default`."""
    def __getitem__(self, label: _Label, /) -> int: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[_Label]: ...
    def __copy__(self) -> NoReturn: ...
    def __deepcopy__(self, memo: object) -> NoReturn: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    __reversed__: ClassVar[None]

def _restore_shared_map(cls: Any, args: Any, kwargs: Any, memory: Any, begin: Any) -> Any: ...
