"""Concurrent increments and reads of a counter, by threads or forked processes.

Threads that start together may still run one after another: the scheduler may put two on one processor, start one late,
or give its processor to another program.  Then they seem to scale perfectly.  So each worker is pinned to a processor,
and reports when it started and ended and how long it had the processor.  A round in which not all workers ran at the
same time is left out and repeated.
"""

import multiprocessing
import multiprocessing.dummy
import os
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from bench.blocks import Block, namespace
from bench.calls import UNROLLED

# How a worker reaches the counter.  "own" is a counter each.
# With "own-label" the workers have one map in common, and `self.label` is each one's.  With "all-labels" a statement
# counts many labels of it.
WAYS = {
    "local": "counter",
    "global": "REQUESTS",
    "attribute": "self.requests",
    "own": "counter",
    "own-label": "counter",
    "all-labels": "counter",
}

# A worker stops at a given time, not after a given number of loops.  So nothing needs to be calibrated, and no worker
# goes on alone after the others have finished.
WORK = """
def work(self, until):
    counter, label, loops = self.requests, self.label, 0
    queued, processor, start = time_queued(), thread_time(), perf_counter()
    while (end := perf_counter()) < until or not loops:
        {statements}
        loops += 1
    return start, end, thread_time() - processor, time_queued() - queued, loops
"""


class NotAtOnce(Exception):
    """All workers ran at the same time in no try."""


class Work(NamedTuple):
    """A worker's report of a round."""

    start: float
    end: float
    processor: float  # seconds on a processor
    queued: float  # seconds in which it waited for a processor
    loops: int


class App:
    """An object with a counter as its attribute, and a label to count with if that is a map, or None for all labels."""

    def __init__(self, requests: Any, label: str | None = "/") -> None:
        self.requests, self.label = requests, label


class Concurrent(Block):
    """An operation that several workers do at the same time, with one counter in common or with one each."""

    tries = 100  # of each round; if none of them counts, the benchmark is given up

    def __init__(
        self,
        code: str,
        counter: str,
        workers: int,
        way: str = "local",
        *,
        setup: str = "",
        reader: str = "",  # code of one more worker
        forked: bool = False,  # use processes instead of threads
        releases_gil: bool = False,
        waits: bool = False,  # workers wait for a lock, and use no processor meanwhile
        times: int = UNROLLED,
        in_c: int = 1,  # operations in one statement
        may_lose: bool = False,
        reads: bool = False,
        between: int = 0,  # threads that start, run and end after each worker has started
        **facts: Any,
    ) -> None:
        super().__init__(**facts)
        self.counter, self.waits, self.may_lose, self.reads = counter, waits, may_lose, reads
        self.workers, self.between, self.operations = workers, between, times * in_c
        self.metadata |= {"counted": 0, "lost_counts": 0, "rounds": 0, "rounds_left_out": 0}
        names = namespace(setup) | {"thread_time": time.thread_time, "time_queued": time_queued}
        self.apps = [App(eval(counter, names, {"index": i})) for i in range(workers if way == "own" else 1)]
        if way == "own-label":
            self.apps = [App(self.apps[0].requests, f"/{index}") for index in range(workers)]
        elif way == "all-labels":
            self.apps[0].label = None
        names["REQUESTS"] = self.apps[0].requests
        tasks = []
        for statement in [code] * workers + [reader] * bool(reader):
            lines = [statement.replace("counter", WAYS[way])] * times
            exec(WORK.format(statements="\n        ".join(lines)), names)
            tasks.append(names["work"])

        processors = processors_to_pin()
        one_at_a_time = gil_enabled() and not forked and not releases_gil
        self.processors = 1 if one_at_a_time else len(processors) or os.cpu_count() or 1
        context: Any = multiprocessing.get_context("fork") if forked else multiprocessing.dummy
        self.barrier, self.pipes = context.Barrier(len(tasks) + 1), []
        for index, task in enumerate(tasks):
            here, there = context.Pipe()
            place = processors[index % len(processors)] if processors and len(tasks) > 1 else None
            worker = context.Process(target=self.serve, args=(task, self.apps[index % len(self.apps)], there, place))
            worker.daemon = True
            worker.start()
            here.recv()
            self.pipes.append(here)
            for _ in range(between):
                thread = multiprocessing.dummy.Process(target=task, args=(self.apps[0], 0.0))
                thread.start()
                thread.join()

    def serve(self, task: Any, app: App, pipe: Any, processor: int | None) -> None:
        """Work, in a worker's thread or process."""
        pin(processor)
        if self.between:
            task(app, 0.0)  # a thread's first increment chooses its stripe
        pipe.send(None)
        while True:
            until = pipe.recv()
            self.barrier.wait()
            pipe.send(task(app, until))

    def round(self, seconds: float) -> list[Work]:
        """Return the workers' reports of one try."""
        before = self.count()
        for pipe in self.pipes:
            pipe.send(time.perf_counter() + seconds)
        self.barrier.wait()
        work = [Work(*pipe.recv()) for pipe in self.pipes]
        counted = self.operations * sum(each.loops for each in work[: self.workers])
        lost = 0 if self.reads else counted - (self.count() - before)
        if lost and not self.may_lose:
            raise RuntimeError(f"{lost} of {counted} increments of {self.counter} were lost")
        self.metadata["counted"] += counted
        self.metadata["lost_counts"] += lost
        return work

    def count(self) -> int:
        return sum(read(app.requests, app.label) for app in self.apps)

    def at_once(self, work: list[Work]) -> bool:
        """Whether all workers ran at the same time, or, if they outnumber the processors, used all processors."""
        seconds, too_many = elapsed(work), len(work) > self.processors
        started_together = max(each.start for each in work) - min(each.start for each in work) <= seconds / 10
        if self.waits:
            return started_together and (too_many or all(each.queued <= 0.1 * seconds for each in work))
        if too_many:
            return sum(each.processor for each in work) >= 0.9 * self.processors * seconds
        return started_together and all(each.processor >= 0.9 * (each.end - each.start) for each in work)

    def calibrate(self, seconds: float) -> None:
        self.seconds = seconds
        for _ in range(5):
            self.round(seconds)

    def time(self) -> float:
        for _ in range(self.tries):
            work = self.round(self.seconds)
            self.metadata["rounds"] += 1
            if self.at_once(work):
                return elapsed(work) / (self.operations * sum(each.loops for each in work[: self.workers]))
            self.metadata["rounds_left_out"] += 1
        raise NotAtOnce


class Resets(Block):
    """A reset() of a map of 100 labels, with so many threads that count meanwhile: the median of some."""

    resets = 25

    def __init__(self, counter: str, threads: int, **facts: Any) -> None:
        super().__init__(**facts)
        self.make, self.threads = eval(f"lambda: {counter}", namespace()), threads

    def calibrate(self, seconds: float) -> None:
        self.measure(1)

    def measure(self, loops: int) -> float:
        counts, places = self.make(), processors_to_pin() or [None]
        self.barrier, self.stop = threading.Barrier(self.threads + 1), False
        with ThreadPoolExecutor(self.threads + 1) as pool:
            counting = [pool.submit(self.count, counts, places[n % len(places)]) for n in range(1, self.threads + 1)]
            resetting = pool.submit(self.reset, counts, places[0])
        counted = 100 * self.resets + sum(each.result() for each in counting)
        times, taken = resetting.result()
        if taken + counts.total() != counted:
            raise RuntimeError(f"{counted - taken - counts.total()} of {counted} increments were lost")
        return statistics.median(times)

    def count(self, counts: Any, processor: int | None) -> int:
        """Count until all resets are done, and return how often."""
        pin(processor)
        self.barrier.wait()
        counted = 0
        while not self.stop:
            for _ in range(UNROLLED):
                counts.increment("/")
            counted += UNROLLED
        return counted

    def reset(self, counts: Any, processor: int | None) -> tuple[list[float], int]:
        """Return the seconds of each reset, and the sum of all counts that they took."""
        pin(processor)
        labels, times, taken = [f"/{number}" for number in range(100)], [], 0
        self.barrier.wait()
        try:
            for _ in range(self.resets):
                counts.update(labels)
                start = time.perf_counter()
                found = counts.reset()
                times.append(time.perf_counter() - start)
                taken += sum(found.values())
        finally:
            self.stop = True
        return times, taken


def processors_to_pin() -> list[Any]:
    """Return the processors that this process may use, or none if threads cannot be pinned to them."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(processor: int | None) -> None:
    """Let this thread run on no other processor."""
    if processor is not None:
        os.sched_setaffinity(0, {processor})  # 0 is this thread only


def gil_enabled() -> bool:
    return getattr(sys, "_is_gil_enabled", lambda: True)()  # new in 3.13


def time_queued() -> float:
    """Return the seconds that this thread has waited for a processor, as Linux counts them."""
    try:
        with open("/proc/thread-self/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0


def elapsed(work: list[Work]) -> float:
    return max(each.end for each in work) - min(each.start for each in work)


def read(counter: Any, label: str | None = "/") -> int:
    """Return the count of any kind of counter, or that of a label in a map, or of all labels if that is None."""
    if label is None:
        return sum(counter.values())
    if hasattr(counter, "__getitem__"):
        counter = counter[label]
    if isinstance(counter, int):
        return counter
    value = next(getattr(counter, name) for name in ("value", "get", "load") if hasattr(counter, name))
    return int(value() if callable(value) else value)
