"""What can be measured: a statement, increments by many at a time, the memory of a counter.

Each function makes a block, which is then timed in turns with others, in the process that calls it.  Counters are given
as expressions, so that nothing is imported before.  What is not installed is an ImportError.
"""

import multiprocessing.dummy
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Statements in a row in a loop's body, so that the loop itself hardly counts.  A count that starts at 0 stays among
# the small ints for so long.
UNROLLED = 200

# What all statements and expressions may use.
SETUP = """
import itertools, mmap, threading
from array import array
from time import perf_counter
import fastcounter
from fastcounter import compat, pure
memory = mmap.mmap(-1, 4096)
class Slot:
    __slots__ = ("value",)
def at(count, original):  # it takes no initial count
    steps = isinstance(original, pure.FastWriteCounter)
    setattr(original, *(("_steps", itertools.count(count)) if steps else ("value", count)))
    return original
def drained(counter):
    counter.add(counter.reset())
    return counter
"""


@dataclass
class Block:
    """What is timed at a stretch: `measure` takes a number of loops and returns the time of all of them."""

    measure: Callable[[int], float]
    operations: int = 1  # in a loop
    loops: int = 1
    metadata: dict[str, Any] = field(default_factory=dict)

    def lengthen(self, seconds: float) -> None:
        """Take as many loops as last about so long.  Trying that also makes CPython specialise the code."""
        while (spent := min(self.measure(self.loops) for _ in range(3))) < seconds / 2:
            self.loops *= 2
        self.loops = max(1, round(self.loops * seconds / spent))

    def time(self) -> float:
        """Seconds an operation."""
        return self.measure(self.loops) / (self.loops * self.operations)


def namespace(setup: str = "") -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(SETUP + setup, names)
    return names


def unrolled(code: str, times: int, names: dict[str, Any]) -> Callable[[list[Any]], tuple[float, float]]:
    """A function that does something so many times with each of a list, and returns when it started and ended."""
    lines = ["def block(counters):", "    start = perf_counter()", "    for counter in counters:"]
    exec("\n".join([*lines, *[f"        {code}"] * times, "    return start, perf_counter()"]), names)
    return names["block"]  # type: ignore[no-any-return]


def statement(
    code: str, counter: str, setup: str = "", fresh: bool = False, times: int = UNROLLED, slower: int = 0
) -> Block:
    """A statement about `counter`, so many times in a row; that is a new one in each block, or `fresh` in each loop.

    `slower` is the percentage of statements that are done but not counted: a deliberate slow-down.
    """
    names = namespace(setup)
    make = eval(f"lambda: {counter}", names)
    block = unrolled(code, times * (100 + slower) // 100, names)

    def measure(loops: int) -> float:
        start, end = block([make() for _ in range(loops)] if fresh else [make()] * loops)
        return end - start

    return Block(measure, times)


def crowd(
    counter: str, writers: int, way: str = "shared", code: str = "counter.increment()", setup: str = "", **how: Any
) -> Block:
    """Increments by threads that start together; the time is that of all of them, an increment.

    They have one counter, or, if the way is "own", one each, made with their `index`; if it is "bound", they take its
    method once.  More of `how`: as `forked` processes; with a `reader` beside them; `in_c` times a call.
    """
    names, in_c, forked = namespace(setup), how.get("in_c", 0), how.get("forked", False)
    counters = [eval(counter, names, {"index": index}) for index in range(writers if way == "own" else 1)]
    block = unrolled("counter()" if way == "bound" else code, 1 if in_c else UNROLLED, names)
    context: Any = multiprocessing.get_context("fork") if forked else multiprocessing.dummy
    start, pipes = context.Barrier(writers + 1), []

    def write(counter: Any, pipe: Any) -> None:
        counter = counter.increment if way == "bound" else counter
        while True:
            loops = pipe.recv()
            start.wait()
            pipe.send(block([counter] * loops))

    for index in range(writers):
        here, there = context.Pipe()
        pipes.append(here)
        writer = context.Process(target=write, args=(counters[index % len(counters)], there))
        writer.daemon = True
        writer.start()

    def read_until(done: threading.Event) -> None:
        while not done.is_set():
            for _ in range(UNROLLED):
                read(counters[0])

    def measure(loops: int) -> float:
        before, done = sum(map(read, counters)), threading.Event()
        if how.get("reader"):
            threading.Thread(target=read_until, args=(done,)).start()
        for pipe in pipes:
            pipe.send(loops)
        start.wait()
        starts, ends = zip(*(pipe.recv() for pipe in pipes), strict=True)
        done.set()
        counted = loops * result.operations
        lost = counted - (sum(map(read, counters)) - before)
        if lost and not how.get("may_lose"):
            raise RuntimeError(f"{lost} of {counted} increments of {counter} were lost")
        result.metadata["lost"] += lost
        result.metadata["counted"] += counted
        return float(max(ends) - min(starts))

    result = Block(measure, writers * (in_c or UNROLLED), metadata={"lost": 0, "counted": 0})
    return result


def read(counter: Any) -> int:
    value = counter.value
    return int(value() if callable(value) else value)


def size(counter: str, number: int = 100_000) -> Block:
    """Bytes a counter, its int included."""
    make = eval(f"lambda: {counter}", namespace())

    def measure(_loops: int) -> float:
        tracemalloc.start()
        counters = [None] * number
        before = tracemalloc.get_traced_memory()[0]
        for index in range(number):
            counters[index] = counter = make()
            counter.increment()
        used = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        return used

    return Block(measure, number, metadata={"unit": "byte"})
