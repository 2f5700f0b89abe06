"""CounterMap; import it from `fastcounter`."""

from collections.abc import Iterable, Iterator, Mapping
from types import GenericAlias
from typing import Any, ClassVar, SupportsIndex, TypeVar, overload

from typing_extensions import disjoint_base

_Label = TypeVar("_Label")
_Default = TypeVar("_Default")

@disjoint_base
class CounterMap(Mapping[_Label, int]):
    """A count for each label, for any number of threads.  `counts[label]` is a label's count, an int, and 0 for a new label.

    It counts as a `collections.Counter` does.  Labels are any hashable objects, and labels that are equal are one label.
    Counts are ints of any size.  Each call is exact, with and without the GIL, and each addition is one atomic step.  For
    reading, it is a mapping: `in`, `len()`, iteration, `get()`, `keys()`, `values()` and `items()` do what they do for a
    dict.  Such a call reads one count after another.  Two maps or mappings are equal if their counts are, and a missing
    label counts 0.  Assigning to `counts[label]` raises TypeError, because `counts[label] += 1` would be two steps: use
    `increment()` or `add()`.

    A label stays until `reset()`, which returns all counts and leaves an empty map.

    `initial` is a mapping of labels to counts, or an iterable of labels, each of which is counted.  It raises what
    `update()` raises.
    """
    @overload
    def __init__(self) -> None: ...
    @overload
    def __init__(self, initial: Mapping[_Label, SupportsIndex]) -> None: ...
    @overload
    def __init__(self, initial: Iterable[_Label]) -> None: ...
    def __init_subclass__(cls, **kwargs: Any) -> None: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    def increment(self, label: _Label, /) -> None:
        """Add 1 to the count of a label and return None.  A new label starts at 0.

        This is one atomic step.  On a free-threaded build threads that use one label do not wait for each other.  If
        the label is not hashable, TypeError is raised.  So is whatever its `__hash__` or `__eq__` raises.  Then nothing
        is counted.
        """
    def decrement(self, label: _Label, /) -> None:
        """Subtract 1 from the count of a label and return None.  A new label starts at 0.

        This is one atomic step, which takes as long as `increment()` and raises what that raises.
        """
    def add(self, label: _Label, amount: SupportsIndex, /) -> None:
        """Add an integer of any size and sign to the count of a label and return None.  A new label starts at 0.

        This is one atomic step, however large the amount.  If the amount is not an integer or the label not hashable,
        TypeError is raised.  So is whatever the label's `__hash__` or `__eq__` raises.  Nothing is counted then, and no
        label is added.
        """
    @overload
    def update(self, counts: Mapping[_Label, SupportsIndex], /) -> None:
        """Count all labels of an iterable, or add all counts of a mapping, and return None.

        Each label is one atomic step.  TypeError is raised if `counts` is neither, if a count of a mapping is not an
        integer, or if a label is not hashable.  So is whatever the iterable, or a label's `__hash__` or `__eq__`,
        raises.  What an iterable has yielded by then has been counted.  The counts of a mapping are checked before the
        first is added.
        """
    @overload
    def update(self, counts: Iterable[_Label], /) -> None:
        """Count all labels of an iterable, or add all counts of a mapping, and return None.

        Each label is one atomic step.  TypeError is raised if `counts` is neither, if a count of a mapping is not an
        integer, or if a label is not hashable.  So is whatever the iterable, or a label's `__hash__` or `__eq__`,
        raises.  What an iterable has yielded by then has been counted.  The counts of a mapping are checked before the
        first is added.
        """
    def reset(self, /) -> dict[_Label, int]:
        """Return a dict of all counts that are not 0, and leave an empty map.

        This is one step for all labels.  Whatever any thread adds is in the result of exactly one reset, or still in
        the map.  On a free-threaded build all threads of the interpreter stop for that moment, which takes microseconds
        once each has come to a point at which it can stop, as for the garbage collector.  (On a free-threaded CPython
        that is newer than this package, it is one step for each label, and labels stay with a count of 0.)

        If the dict cannot be made, because memory runs out or a label's `__hash__` or `__eq__` raises, that is raised.
        The next reset then returns these counts too.  Until then reads do not show them.
        """
    def most_common(self, n: SupportsIndex | None = None) -> list[tuple[_Label, int]]:
        """Return a list of pairs of a label and its count, the largest counts first.

        Labels with equal counts are in the order in which they were added.  With an integer `n`, the list has no more
        than `n` pairs.  It reads one count after another.
        """
    def total(self, /) -> int:
        """Return the sum of all counts, an int.

        It reads one count after another.  So it may include some of the additions that threads make meanwhile.
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
    __hash__: ClassVar[None]  # type: ignore[assignment]
    __reversed__: ClassVar[None]

def _restore_map(
    cls: type[CounterMap[Any]], args: tuple[Any, ...], kwargs: dict[str, Any], counts: dict[Any, int]
) -> CounterMap[Any]: ...
