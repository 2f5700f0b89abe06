"""Let Prometheus scrape counters: run `python examples/prometheus_collector.py` and open http://127.0.0.1:8000."""

import os
import random
import time
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from fastcounter import FastWriteCounter


class RequestsCollector(Collector):
    """Reads the counters when Prometheus scrapes.  Counting an event costs one `increment()` and nothing else."""

    def __init__(self, counters: Mapping[str, FastWriteCounter]) -> None:
        self.counters = counters

    def collect(self) -> Iterator[CounterMetricFamily]:
        # Give the whole count each time.  Do not call reset(): other scrapers would miss what one scrape took, and
        # Prometheus takes a count that decreases for a restart.  Prometheus stores floats, which are exact up to 2**53.
        family = CounterMetricFamily("app_requests", "Requests served, by path.", labels=["path"])
        for path, counter in self.counters.items():
            family.add_metric([path], counter.value())
        yield family


def main() -> None:
    counters = {"/": FastWriteCounter(), "/about": FastWriteCounter()}
    registry = CollectorRegistry()
    registry.register(RequestsCollector(counters))
    start_http_server(int(os.environ.get("PORT", "8000")), addr="127.0.0.1", registry=registry)
    while True:  # the program's own work
        counters[random.choice(["/", "/", "/about"])].increment()
        time.sleep(0.001)


if __name__ == "__main__":
    main()
