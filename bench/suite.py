"""What is measured.

A benchmark's name says all about it, in words that the tables take apart again:
GROUP CLASS IMPLEMENTATION VARIANT, as in "increment FastReadCounter compiled medium".
"""

import importlib
import itertools
import shutil
import sys
import threading
import time
import timeit
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import fastcounter
from bench.peers import PEERS
from fastcounter import compat, pure

CLASSES = ("SingleThreadCounter", "FastReadCounter", "FastWriteCounter")
IMPLEMENTATIONS = {"compiled": fastcounter, "original": pure}

# Where a count starts.  Small ints are shared by all of CPython; from 2**60 on an int has three digits.
STARTS = {"small": 0, "medium": 100_000, "large": 2**60}

# Calls in a row in a loop's body, so that the loop itself hardly counts.  A count that starts at 0 stays a
# small int for as many steps; then a new counter takes over.
UNROLLED = 200

THREADS = (1, 2, 4, 8)
THREAD_STEPS = 100
READERS = "9w1r"
COUNTERS_IN_MEMORY = 100_000


RecordLoss = Callable[[str, int, int], None]  # called with a benchmark's name, what was lost and of how many


class Benchmark(Protocol):
    """Something that pyperf's Runner is asked to measure."""

    @property
    def name(self) -> str: ...

    def add_to(self, runner: Any, losses: RecordLoss, /) -> None: ...


@runtime_checkable
class QuicklyTimed(Benchmark, Protocol):
    """A benchmark that tells roughly how long it takes, without a process of its own."""

    def seconds(self, loops: int, /) -> float: ...


@dataclass(frozen=True)
class Timed:
    """A statement, timed as often as pyperf asks for."""

    name: str
    statement: str
    setup: str = "pass"
    inner_loops: int = UNROLLED
    namespace: dict[str, Any] = field(default_factory=dict)

    def seconds(self, loops: int) -> float:
        return timeit.Timer(self.statement, self.setup, globals=self.namespace).timeit(loops)

    def add_to(self, runner: Any, _losses: RecordLoss) -> None:
        runner.timeit(self.name, self.statement, setup=self.setup, inner_loops=self.inner_loops, globals=self.namespace)


@dataclass(frozen=True)
class Command:
    """A Python process, timed from its start to its end."""

    name: str
    code: str

    def add_to(self, runner: Any, _losses: RecordLoss) -> None:
        runner.bench_command(self.name, [sys.executable, "-c", self.code])


@dataclass(frozen=True)
class Memory:
    """Bytes a counter, its int included."""

    name: str
    cls: Any
    start: int

    def measure(self, loops: int) -> int:
        total = 0
        for _ in range(loops):
            tracemalloc.start()
            counters: list[Any] = [None] * COUNTERS_IN_MEMORY
            before = tracemalloc.get_traced_memory()[0]
            for index in range(COUNTERS_IN_MEMORY):
                counters[index] = counter = make(self.cls, self.start)
                counter.increment()
            total += tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            del counters, counter
        return total

    def add_to(self, runner: Any, _losses: RecordLoss) -> None:
        runner.bench_time_func(self.name, self.measure, inner_loops=COUNTERS_IN_MEMORY, metadata={"unit": "byte"})


@dataclass(frozen=True)
class Threaded:
    """Increments by several threads that start together; the time is that of all of them, per increment.

    What the counters lack in the end is counted as lost, or is an error where they promise to lose nothing.
    """

    name: str
    cls: Any
    writers: int
    readers: int = 0
    shared: bool = True
    bound: bool = False  # whether each thread takes the method once, so that none touches the reference count
    may_lose: bool = False

    def seconds(self, loops: int) -> float:
        return self.measure(loops, lambda *_loss: None)

    def measure(self, loops: int, losses: RecordLoss) -> float:
        counters = [self.cls() for _ in range(1 if self.shared else self.writers)]
        barrier = threading.Barrier(self.writers + self.readers)
        spans: list[tuple[float, float]] = []
        writing = threading.Event()
        writing.set()

        def write(counter: Any) -> None:
            increment = counter.increment
            barrier.wait()
            start = time.perf_counter()
            for _ in itertools.repeat(None, loops):
                if self.bound:
                    for _ in itertools.repeat(None, THREAD_STEPS):
                        increment()
                else:
                    for _ in itertools.repeat(None, THREAD_STEPS):
                        counter.increment()
            spans.append((start, time.perf_counter()))

        def read_on(counter: Any) -> None:
            barrier.wait()
            while writing.is_set():
                for _ in itertools.repeat(None, THREAD_STEPS):
                    read(counter)

        writers = [
            threading.Thread(target=write, args=(counters[index % len(counters)],)) for index in range(self.writers)
        ]
        readers = [threading.Thread(target=read_on, args=(counters[0],)) for _ in range(self.readers)]
        for thread in writers + readers:
            thread.start()
        for thread in writers:
            thread.join()
        writing.clear()
        for thread in readers:
            thread.join()

        expected = self.writers * loops * THREAD_STEPS
        lost = expected - sum(read(counter) for counter in counters)
        if lost and not self.may_lose:
            raise RuntimeError(f"{self.name}: {lost} of {expected} increments were lost")
        losses(self.name, lost, expected)
        return max(end for _, end in spans) - min(start for start, _ in spans)

    def add_to(self, runner: Any, losses: RecordLoss) -> None:
        runner.bench_time_func(self.name, self.measure, losses, inner_loops=self.writers * THREAD_STEPS)


@dataclass(frozen=True)
class CLevel:
    """Increments called from C by several threads, on one counter; the time is that of all, per increment.

    Nothing but the counters' cells can be in the threads' way here, so that on a free-threaded build this shows
    what sharing a cell costs, and that stripes are not shared.
    """

    name: str
    cls: Any
    threads: int

    def measure(self, loops: int, directory: str | Path) -> float:
        sys.path.insert(0, str(directory))
        c_level = importlib.import_module("c_level")

        counter = self.cls()
        barrier = threading.Barrier(self.threads)
        spans: list[tuple[float, float]] = []

        def write() -> None:
            barrier.wait()
            start = time.perf_counter()
            c_level.increment(counter, loops * UNROLLED)
            spans.append((start, time.perf_counter()))

        threads = [threading.Thread(target=write) for _ in range(self.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.cls is not fastcounter.SingleThreadCounter and read(counter) != self.threads * loops * UNROLLED:
            raise RuntimeError(f"{self.name}: increments were lost")
        return max(end for _, end in spans) - min(start for start, _ in spans)

    def add_to(self, runner: Any, _losses: RecordLoss) -> None:
        directory = runner.args.directory
        runner.bench_time_func(self.name, self.measure, directory, inner_loops=UNROLLED * self.threads)


def build_c_level(directory: str | Path) -> None:
    """Compile c_level.pyx against the package, as a user of its C-level calls would."""
    from Cython.Build import cythonize
    from setuptools import Distribution

    source = shutil.copy(Path(__file__).with_name("c_level.pyx"), directory)
    distribution = Distribution({"name": "c_level", "ext_modules": cythonize(source, quiet=True)})
    command = distribution.get_command_obj("build_ext")
    command.build_lib = command.build_temp = str(directory)
    distribution.run_command("build_ext")


def c_level_benchmarks() -> Iterator[Benchmark]:
    for number, class_name in itertools.product(THREADS[:2], CLASSES):
        yield CLevel(f"c-level {class_name} compiled threads-{number}", getattr(fastcounter, class_name), number)


def read(counter: Any) -> int:
    value = counter.value
    return int(value() if callable(value) else value)


def make(cls: Any, start: int) -> Any:
    """A counter that stands at `start`; the originals take no initial count."""
    if cls.__module__ != pure.__name__:
        return cls(start)
    counter = cls()
    if cls is pure.FastWriteCounter:
        counter._steps = itertools.count(start)
    else:
        counter.value = start
    return counter


# What is called on a counter.  The originals have only the first three.
OPERATIONS = {
    "increment": "counter.increment()",
    "value": "{value}",
    "increment+value": "counter.increment(); {value}",
    "add": "counter.add(1)",
    "add+reset": "counter.add(start); counter.reset()",
    "increment_and_get": "counter.increment_and_get()",
    "kept": "count = counter.increment_and_get()",  # so that the next call cannot reuse the int
}
OF_ORIGINALS = ("increment", "value", "increment+value")


def has_operation(operation: str, class_name: str, implementation: str) -> bool:
    if implementation == "original":
        return operation in OF_ORIGINALS
    return operation not in ("increment_and_get", "kept") or class_name != "FastWriteCounter"


def operation_benchmarks() -> Iterator[Benchmark]:
    for operation, size, class_name, (implementation, module) in itertools.product(
        OPERATIONS, STARTS, CLASSES, IMPLEMENTATIONS.items()
    ):
        if not has_operation(operation, class_name, implementation):
            continue
        value = "counter.value()" if class_name == "FastWriteCounter" else "counter.value"
        setup = "counter = make(cls, start)"
        lines = [OPERATIONS[operation].format(value=value)] * UNROLLED
        if size == "small":
            lines.insert(0, setup)
        yield Timed(
            f"{operation} {class_name} {implementation} {size}",
            "\n".join(lines),
            setup,
            namespace={"cls": getattr(module, class_name), "make": make, "start": STARTS[size]},
        )


def increment_of(name: str, cls: type) -> Benchmark:
    statement = "\n".join(["counter.increment()"] * UNROLLED)
    return Timed(name, statement, "counter = cls(100_000)", namespace={"cls": cls})


def subclass_benchmarks() -> Iterator[Benchmark]:
    """increment() of a user's own subclass, with and without a dict, and of the published 1.x API."""
    for class_name in CLASSES:
        cls = getattr(fastcounter, class_name)
        yield increment_of(f"subclass {class_name} compiled medium", type("Sub", (cls,), {}))
        yield increment_of(f"slotted {class_name} compiled medium", type("Slotted", (cls,), {"__slots__": ()}))
        old = compat.Counter if class_name == "SingleThreadCounter" else getattr(compat, class_name)
        yield increment_of(f"compat {class_name} compiled medium", old)


def creation_benchmarks() -> Iterator[Benchmark]:
    for class_name in CLASSES:
        for implementation, module in IMPLEMENTATIONS.items():
            cls = getattr(module, class_name)
            statement = "\n".join(["cls()"] * UNROLLED)
            yield Timed(f"creation {class_name} {implementation}", statement, namespace={"cls": cls})


class Slotted:
    __slots__ = ("value",)


def floor_benchmarks() -> Iterator[Benchmark]:
    """The least that CPython can do."""
    yield Timed("floor loop", "pass", inner_loops=1)
    yield Timed("floor call", "\n".join(["items.clear()"] * UNROLLED), "items = []")
    slot = "holder = cls(); holder.value = 100_000"
    yield Timed("floor slot", "\n".join(["holder.value"] * UNROLLED), slot, namespace={"cls": Slotted})


def thread_benchmarks() -> Iterator[Benchmark]:
    for number, class_name, (implementation, module) in itertools.product(THREADS, CLASSES, IMPLEMENTATIONS.items()):
        cls = getattr(module, class_name)
        name = f"threads {class_name} {implementation}"
        may_lose = class_name == "SingleThreadCounter"
        yield Threaded(f"{name} shared-{number}", cls, number, may_lose=may_lose)
        if number > 1:
            if implementation == "compiled":
                yield Threaded(f"{name} bound-{number}", cls, number, bound=True, may_lose=may_lose)
            yield Threaded(f"{name} own-{number}", cls, number, shared=False)
        if number == THREADS[-1]:
            yield Threaded(f"{name} {READERS}", cls, writers=9, readers=1, may_lose=may_lose)


def memory_benchmarks() -> Iterator[Benchmark]:
    for implementation, module in IMPLEMENTATIONS.items():
        for class_name in CLASSES:
            yield Memory(f"memory {class_name} {implementation}", getattr(module, class_name), 2**40)


def import_benchmarks() -> Iterator[Benchmark]:
    yield Command("import nothing", "pass")
    yield Command("import fastcounter", "import fastcounter")


def peer_benchmarks(names: Iterable[str]) -> Iterator[Benchmark]:
    for name in names:
        setup, increment, value = PEERS[name]
        for operation, statement in (("increment", increment), ("value", value)):
            if statement:
                yield Timed(f"peers {name} {operation}", "\n".join([statement] * UNROLLED), setup)


def all_benchmarks(peers: Iterable[str] = ()) -> dict[str, Benchmark]:
    """Every benchmark by its name; those to be compared with each other are next to each other."""
    benchmarks: Iterable[Benchmark] = itertools.chain(
        floor_benchmarks(),
        operation_benchmarks(),
        subclass_benchmarks(),
        peer_benchmarks(peers),
        creation_benchmarks(),
        thread_benchmarks(),
        c_level_benchmarks(),
        memory_benchmarks(),
        import_benchmarks(),
    )
    return {benchmark.name: benchmark for benchmark in benchmarks}


def group(name: str) -> str:
    """The word by which a benchmark is selected."""
    return name.split()[0]
