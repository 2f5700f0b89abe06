"""A user's code: mypy --strict and pyright take all of it, with nothing ignored.  It is checked, never run."""
# pyright: strict

import mmap
import multiprocessing
from array import array
from collections.abc import Callable, Iterable, Mapping
from multiprocessing import shared_memory
from pathlib import Path
from typing import Generic, Protocol, TypeAlias, TypeVar, assert_type

import fastcounter
from fastcounter import (
    CounterMap,
    FastReadCounter,
    FastWriteCounter,
    SharedCounter,
    SharedCounterMap,
    SingleThreadCounter,
    compat,
    pure,
)

# Each class, as the README shows it.

single = SingleThreadCounter()
reader = FastReadCounter(5)
writer = FastWriteCounter(initial=True)
shared = SharedCounter(mmap.mmap(-1, mmap.PAGESIZE), 64)

assert_type(single.value, int)
assert_type(reader.value, int)
assert_type(writer.value(), int)
assert_type(shared.value, int)

single.value = 5
single += 5
shared.value = True
shared -= 2**40
reader.add(2**70)
assert_type(single, SingleThreadCounter)
assert_type(shared, SharedCounter)
assert_type(single.increment_and_get(), int)
assert_type(reader.add_and_get(-5), int)
assert_type(shared.increment_and_get(), int)
assert_type(writer.reset(), int)
assert_type(int(writer), int)
assert_type(fastcounter.__all__, list[str])

slots = array("q", [0]) * 8
own = SharedCounter()
by_path = [SharedCounter("jobs.count"), SharedCounter(Path("jobs.count"), 64)]
named_memory = SharedCounter(shared_memory.SharedMemory(create=True, size=64), offset=8)
raw = SharedCounter(multiprocessing.RawArray("q", 8), 8)
per_worker = [SharedCounter(slots, offset=8 * worker) for worker in range(8)]
assert_type(sum(counter.value for counter in per_worker), int)


# Counts by label.

counts: CounterMap[str] = CounterMap()
counts.increment("/")
counts.decrement("/")
counts.add("/about", 2**70)
counts.update({"/about": 2})
counts.update(["/", "/about"])
assert_type(counts.most_common(3), list[tuple[str, int]])
assert_type(counts["/"], int)
assert_type(counts.get("/"), int | None)
assert_type(counts.get("/", 0), int)
assert_type(counts.get("/", "none"), int | str)
assert_type(counts.reset(), dict[str, int])
assert_type(counts.total(), int)
assert_type(list(counts), list[str])
assert_type(dict(counts), dict[str, int])
assert_type(CounterMap({("GET", 200): 5}), CounterMap[tuple[str, int]])
assert_type(CounterMap[bytes]({b"a": True}), CounterMap[bytes])
assert_type(CounterMap("abca"), CounterMap[str])
assert_type(CounterMap([("GET", 200), ("GET", 200)]), CounterMap[tuple[str, int]])
assert_type(CounterMap[int](), CounterMap[int])


def largest(counted: Mapping[str, int]) -> str:
    return max(counted, key=counted.__getitem__)


assert_type(largest(counts), str)


# Counts by label for all processes.

shared_counts: SharedCounterMap[str] = SharedCounterMap()
shared_counts.increment("/")
shared_counts.decrement("/")
shared_counts.add("/about", True)
shared_counts.update({"/about": 2})
shared_counts.update(["/", "/about"])
assert_type(shared_counts.most_common(3), list[tuple[str, int]])
assert_type(shared_counts["/"], int)
assert_type(shared_counts.get("/"), int | None)
assert_type(shared_counts.reset(), dict[str, int])
assert_type(shared_counts.total(), int)
assert_type(dict(shared_counts), dict[str, int])
assert_type(largest(shared_counts), str)
responses = SharedCounterMap[tuple[str, int]](Path("responses.counts"), size=2**20)
responses.increment(("GET", 200))
in_memory: list[SharedCounterMap[bytes]] = [
    SharedCounterMap(bytearray(6400)),
    SharedCounterMap(shared_memory.SharedMemory(create=True, size=6400)),
]


class Requests(CounterMap[str]):
    def increment(self, label: str, /) -> None:
        super().increment(label.lower())


# A class that takes any counter.


class Countable(Protocol):
    """What all four classes can do; `int(counter)` reads them all."""

    def increment(self, /) -> None: ...
    def decrement(self, /) -> None: ...
    def add(self, amount: int, /) -> None: ...
    def reset(self, /) -> int: ...
    def __int__(self) -> int: ...


class Meter:
    def __init__(self, counter: Countable) -> None:
        self.counter = counter

    def __call__(self, amounts: Iterable[int]) -> int:
        for amount in amounts:
            self.counter.add(amount)
        return int(self.counter)


meters = [Meter(single), Meter(reader), Meter(writer), Meter(shared)]
count: Callable[[], None] = writer.increment


class Numbering(Protocol):
    """What gives numbers: not FastWriteCounter."""

    def increment_and_get(self) -> int: ...


def ticket(numbers: Numbering) -> str:
    return f"T{numbers.increment_and_get()}"


tickets = [ticket(single), ticket(reader), ticket(shared)]


class Readable(Protocol):
    """What has its count as an attribute, the originals too."""

    @property
    def value(self) -> int: ...


def total(counters: Iterable[Readable]) -> int:
    return sum(counter.value for counter in counters)


total([single, reader, shared, pure.FastReadCounter(), compat.FastWriteCounter()])


# A subclass.


class Named(FastReadCounter):
    def __init__(self, name: str, initial: int = 0) -> None:
        super().__init__(initial)
        self.name = name

    def increment(self) -> None:
        super().increment()


named = Named("requests")
named += 1
assert_type(named, Named)
assert_type(named.name, str)
by_name: dict[str, FastReadCounter] = {named.name: named}


# A union.

AnyCounter: TypeAlias = SingleThreadCounter | FastReadCounter | FastWriteCounter | SharedCounter


def read(counter: AnyCounter) -> int:
    return counter.value() if isinstance(counter, FastWriteCounter) else counter.value


def take(counters: Mapping[str, AnyCounter]) -> dict[str, int]:
    return {name: counter.reset() for name, counter in counters.items()}


assert_type(take({"reader": reader, "writer": writer}), dict[str, int])


# A generic container.

C = TypeVar("C", bound=Countable)


class Counters(dict[str, C], Generic[C]):
    def __init__(self, make: Callable[[], C]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, name: str) -> C:
        return self.setdefault(name, self.make())


writers = Counters(FastWriteCounter)
assert_type(writers["requests"], FastWriteCounter)
assert_type(writers["requests"].value(), int)
assert_type(Counters(lambda: Named("x"))["requests"].name, str)


# The published 1.x, and the article's own.

old = compat.FastWriteCounter(init=5, step=2)
old.increment()
old.increment(num_steps=3)
assert_type(old.value, int)
olds: list[compat.Counter] = [old, compat.FastReadCounter()]
olds[0].add(2)
assert_type(pure.FastReadCounter().value, int)
assert_type(pure.FastWriteCounter().value(), int)
