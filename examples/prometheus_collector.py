"""Let Prometheus scrape counts by label: run `python examples/prometheus_collector.py` and open http://127.0.0.1:8000."""

import os
import random
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from fastcounter import CounterMap


class RequestsCollector(Collector):
    """Reads the counts when Prometheus scrapes.  Counting an event costs one `increment()` and nothing else."""

    def __init__(self, requests: CounterMap[str]) -> None:
        self.requests = requests

    def collect(self) -> Iterator[CounterMetricFamily]:
        # Give the whole count each time.  Do not call reset(): other scrapers would miss what one scrape took, and
        # Prometheus takes a count that decreases for a restart.  Prometheus stores floats, which are exact up to 2**53.
        family = CounterMetricFamily("app_requests", "Requests served, by path.", labels=["path"])
        for path, count in self.requests.items():
            family.add_metric([path], count)
        yield family


def main() -> None:
    requests: CounterMap[str] = CounterMap()
    registry = CollectorRegistry()
    registry.register(RequestsCollector(requests))
    start_http_server(int(os.environ.get("PORT", "8000")), addr="127.0.0.1", registry=registry)
    while True:  # the program's own work
        requests.increment(random.choice(["/", "/", "/about"]))
        time.sleep(0.001)


if __name__ == "__main__":
    main()
