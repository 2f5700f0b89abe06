"""What can be timed: a statement, increments by many at a time, a counter's memory, a program.

Each function here makes a block, which is then timed in turns with other blocks, in the process that calls it.
Counters are given as expressions, so that nothing is imported before.
"""

import itertools
import multiprocessing.dummy
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Statements in a row in a loop's body, so that the loop itself hardly counts.  A count that starts at 0 stays among
# the small ints for so long.
UNROLLED = 200
COUNTERS_IN_MEMORY = 10_000

SETUP = """
from array import array
from mmap import mmap
import fastcounter
from fastcounter import compat, pure
from bench.contenders import Labels, Slot, at, drained
memory = mmap(-1, 4096)
"""


class LeftOut(Exception):
    """Something cannot be measured here; the message says why."""


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


def namespace(setup: str) -> dict[str, Any]:
    names: dict[str, Any] = {"perf_counter": time.perf_counter}
    try:
        exec(SETUP + setup, names)
    except ImportError as error:
        raise LeftOut(str(error)) from error
    return names


def unrolled(code: str, times: int, names: dict[str, Any]) -> Callable[[list[Any]], tuple[float, float]]:
    """A function that does something so many times with each of a list, and returns when it started and ended."""
    lines = ["def block(counters):", "    start = perf_counter()", "    for counter in counters:"]
    exec("\n".join([*lines, *[f"        {code}"] * times, "    return start, perf_counter()"]), names)
    return names["block"]  # type: ignore[no-any-return]


def statement(code: str, counter: str, setup: str = "", fresh: bool = False, slower: int = 0) -> Block:
    """A statement about `counter`, which is a new one in each block, or in each loop.

    `slower` is the percentage of statements that are done but not counted: a deliberate slow-down.
    """
    names = namespace(setup)
    make = eval(f"lambda: {counter}", names)
    block = unrolled(code, UNROLLED * (100 + slower) // 100, names)

    def measure(loops: int) -> float:
        start, end = block([make() for _ in range(loops)] if fresh else [make()] * loops)
        return end - start

    return Block(measure, UNROLLED)


def crowd(
    counter: str,
    writers: int,
    code: str = "counter.increment()",
    own: bool = False,
    bound: bool = False,
    forked: bool = False,
    reader: bool = False,
    calls: int = UNROLLED,
    in_c: int = 1,
    may_lose: bool = False,
    setup: str = "",
) -> Block:
    """Increments by threads, or forked processes, that start together; the time is that of all, an increment.

    They have one counter, or `own` ones, made with the `index` of each, and may take the
    method once, as `bound`.  A `reader` is one more thread.  A loop has
    `calls`, which increment `in_c` times each.
    """
    names = namespace(setup)
    counters = [eval(counter, {**names, "index": index}) for index in range(writers if own else 1)]
    block = unrolled("counter()" if bound else code, calls, names)
    if forked and not hasattr(os, "fork"):
        raise LeftOut("this system has no fork")
    context: Any = multiprocessing.get_context("fork") if forked else multiprocessing.dummy
    start, pipes = context.Barrier(writers + 1), []

    def write(counter: Any, pipe: Any) -> None:
        counter = counter.increment if bound else counter
        while True:
            loops = pipe.recv()
            start.wait()
            pipe.send(block([counter] * loops))

    for index in range(writers):
        here, there = context.Pipe()
        writer = context.Process(target=write, args=(counters[index % len(counters)], there))
        writer.daemon = True
        writer.start()
        pipes.append(here)

    def read_until(done: threading.Event) -> None:
        while not done.is_set():
            for _ in range(UNROLLED):
                read(counters[0])

    def measure(loops: int) -> float:
        before, done = sum(map(read, counters)), threading.Event()
        if reader:
            threading.Thread(target=read_until, args=(done,)).start()
        for pipe in pipes:
            pipe.send(loops)
        start.wait()
        starts, ends = zip(*(pipe.recv() for pipe in pipes), strict=True)
        done.set()
        expected = loops * result.operations
        lost = expected + before - sum(map(read, counters))
        if lost and not may_lose:
            raise RuntimeError(f"{lost} of {expected} increments of {counter} were lost")
        for name, number in (("lost", lost), ("counted", expected)):
            result.metadata[name] = result.metadata.get(name, 0) + number
        return float(max(ends) - min(starts))

    result = Block(measure, writers * calls * in_c)
    return result


def size(counter: str) -> Block:
    """Bytes a counter, its int included."""
    make = eval(f"lambda: {counter}", namespace(""))

    def measure(_loops: int) -> float:
        tracemalloc.start()
        counters = [None] * COUNTERS_IN_MEMORY
        before = tracemalloc.get_traced_memory()[0]
        for index in range(COUNTERS_IN_MEMORY):
            counters[index] = counter = make()
            counter.increment()
        used = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        return used

    return Block(measure, COUNTERS_IN_MEMORY, metadata={"unit": "byte"})


def program(code: str) -> Block:
    """A Python process, from its start to its end."""

    def measure(_loops: int) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - start

    return Block(measure)


# ---- What expressions are made of ----


class Slot:
    """The floor of reading an attribute."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


class Labels(dict[str, Any]):
    """Counters by label, each made when it is first asked for."""

    def __init__(self, counter_class: Any) -> None:
        self.counter_class = counter_class

    def __missing__(self, label: str) -> Any:
        return self.setdefault(label, self.counter_class())


def at(count: int, original: Any) -> Any:
    """An original that stands at this count: it takes no initial one."""
    if callable(original.value):
        original._steps = itertools.count(count)
    else:
        original.value = count
    return original


def drained(counter: Any) -> Any:
    """A counter that has been reset, and has counted again."""
    counter.add(counter.reset())
    return counter


def read(counter: Any) -> int:
    value = counter.value
    return int(value() if callable(value) else value)
