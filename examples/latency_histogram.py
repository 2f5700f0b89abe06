"""Let Prometheus scrape latencies: run `python examples/latency_histogram.py` and open http://127.0.0.1:8000."""

import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from itertools import accumulate
from typing import Any

from prometheus_client import REGISTRY, context_managers, core, start_http_server

from fastcounter import FastWriteCounter


class LatencyHistogram:  # bounds, latencies and the sum are in seconds, as Prometheus wants them
    def __init__(self, name: str, documentation: str, bounds: Iterable[float]) -> None:
        self.name, self.documentation, self.bounds = name, documentation, sorted(bounds)
        self.counts = [FastWriteCounter() for _ in range(len(self.bounds) + 1)]  # the last one: above all bounds
        self.nanoseconds = FastWriteCounter()  # the sum: exact, where a sum of floats rounds

    def observe(self, seconds: float) -> None:
        self.nanoseconds.add(round(seconds * 1e9))  # first, so that the sum includes all that the buckets count
        self.counts[bisect_left(self.bounds, seconds)].increment()  # a bucket includes its upper bound

    def time(self) -> "Timer":  # use it in a `with`, or as a decorator: `@latency.time()`
        return Timer(self, "observe")  # type: ignore[no-untyped-call]

    def collect(self) -> Iterator[core.HistogramMetricFamily]:  # reads each counter once, and the sum last
        counts = accumulate(count.value() for count in self.counts)
        buckets = list(zip([*map(str, self.bounds), "+Inf"], counts, strict=True))  # `_count` is the last bucket's
        yield core.HistogramMetricFamily(self.name, self.documentation, buckets, self.nanoseconds.value() / 10**9)


class Timer(context_managers.Timer):  # what the metrics of prometheus_client return from `time()`
    def __call__(self, function: Callable[..., Any]) -> Any:
        if iscoroutinefunction(function) or isgeneratorfunction(function) or isasyncgenfunction(function):
            raise TypeError(f"a call of {function!r} returns before its code runs: use `with` inside it")
        return super().__call__(function)  # each call then has a timer of its own


if __name__ == "__main__":
    latency = LatencyHistogram("app_latency_seconds", "Time that a job took.", [0.001, 0.0025, 0.005, 0.01, 0.025])
    REGISTRY.register(latency)
    start_http_server(int(os.environ.get("PORT", "8000")), addr="127.0.0.1")
    while True:
        with latency.time():  # the program's own work
            time.sleep(0.002)
