"""A user's mistakes: each line with a comment is an error in mypy --strict and in pyright, each other line is none.

It is checked, never run.  Both complain of a comment that they have no use for.
"""
# pyright: strictListInference=true

from collections.abc import Callable
from typing import Protocol

from fastcounter import (
    CounterMap,
    FastReadCounter,
    FastWriteCounter,
    SharedCounter,
    SharedCounterMap,
    SingleThreadCounter,
    compat,
)

single = SingleThreadCounter()
reader = FastReadCounter()
writer = FastWriteCounter()
shared = SharedCounter(bytearray(64))

# A count is an integer.
SingleThreadCounter("5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
FastReadCounter(start=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
FastWriteCounter(1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
reader.value = 1.5  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
reader.add("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
single += 0.5  # type: ignore[arg-type]  # pyright: ignore[reportOperatorIssue]
reader.add_and_get(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# increment() takes no argument: that is add(), or compat's.
reader.increment(2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
compat.Counter().increment("2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# increment() returns nothing: that is increment_and_get().
number: int = reader.increment()  # type: ignore[func-returns-value,assignment]  # pyright: ignore[reportAssignmentType]

# A FastWriteCounter's value is a method, and nothing returns its new count.
number = writer.value + 1  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
writer.value = 5  # type: ignore[assignment,method-assign]  # pyright: ignore[reportAttributeAccessIssue]
writer.increment_and_get()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
reader.value()  # type: ignore[operator]  # pyright: ignore[reportCallIssue]

# So `value` of a mixture is neither an attribute nor a method.
mixed = [reader, writer]
sum(counter.value for counter in mixed)  # type: ignore[attr-defined]  # pyright: ignore[reportArgumentType, reportCallIssue]
sum(counter.value() for counter in mixed)  # type: ignore[attr-defined]  # pyright: ignore[reportCallIssue]


class Readable(Protocol):
    @property
    def value(self) -> int: ...


def read(counter: Readable) -> int:
    return counter.value


read(writer)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# A SharedCounter counts in memory.
SharedCounter(offset="8")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
SharedCounter(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
SharedCounter(["jobs.count"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
SharedCounter(bytearray(8), "0")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shared.value = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]


# The counts of a map cannot be assigned, and its labels are of one type.
counts = CounterMap({"a": 1})
counts["a"] = 5  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
counts["a"] += 1  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
del counts["a"]  # type: ignore[attr-defined]  # pyright: ignore[reportIndexIssue]
counts.add("a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
counts.add("a", 0.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
counts.update(5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
counts.increment(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
CounterMap(5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]

shared_counts: SharedCounterMap[str] = SharedCounterMap("requests.counts", 2**20)
shared_counts["a"] = 5  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
shared_counts["a"] += 1  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
shared_counts.increment(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shared_counts.add("a", 0.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
SharedCounterMap({"a": 1})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
SharedCounterMap(size="1 MiB")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# The layouts of two counters do not go together.
class Both(FastReadCounter, FastWriteCounter):  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    pass


# A method keeps its arguments and what it returns.
class Loud(FastReadCounter):
    def increment(self, times: int) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]

    def reset(self) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


# An old counter is no new one.
take: Callable[[FastWriteCounter], int] = FastWriteCounter.value
take(compat.FastWriteCounter())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
compat.FastWriteCounter().value = 5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
