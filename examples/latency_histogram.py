"""Let Prometheus scrape latencies: run `python examples/latency_histogram.py` and open http://127.0.0.1:8000."""

import os
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate

from prometheus_client import REGISTRY, start_http_server
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from fastcounter import FastWriteCounter


class LatencyHistogram(Collector):
    def __init__(self, name: str, documentation: str, bounds: Iterable[float]) -> None:
        self.name, self.documentation = name, documentation
        self.bounds = sorted(round(seconds * 10**9) for seconds in bounds)  # in nanoseconds
        self.counts = [FastWriteCounter() for _ in range(len(self.bounds) + 1)]  # the last one: above all bounds
        self.sum = FastWriteCounter()  # of nanoseconds: exact, where a sum of floats rounds

    def observe(self, nanoseconds: int) -> None:
        self.sum.add(nanoseconds)  # collect() reads the sum last, so it includes all that the buckets count
        self.counts[bisect_left(self.bounds, nanoseconds)].increment()  # a bucket includes its upper bound

    @contextmanager
    def time(self) -> Iterator[None]:  # use it in a `with`, or as a decorator: `@latency.time()`
        start = time.perf_counter_ns()
        try:
            yield
        finally:  # a call that fails counts too
            self.observe(time.perf_counter_ns() - start)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        # Read each counter once.  The family takes `_count` from the last bucket; a separate counter could differ.
        bounds = [*(str(bound / 10**9) for bound in self.bounds), "+Inf"]
        buckets = list(zip(bounds, accumulate(count.value() for count in self.counts), strict=True))
        yield HistogramMetricFamily(self.name, self.documentation, buckets, self.sum.value() / 10**9)


if __name__ == "__main__":
    latency = LatencyHistogram("app_latency_seconds", "Time that a job took.", [0.001, 0.0025, 0.005, 0.01, 0.025])
    REGISTRY.register(latency)
    start_http_server(int(os.environ.get("PORT", "8000")), addr="127.0.0.1")
    while True:
        with latency.time():  # the program's own work
            time.sleep(0.002)
