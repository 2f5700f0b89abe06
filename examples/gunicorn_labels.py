"""Count any path that turns up, and let each gunicorn worker serve all counts: `python examples/gunicorn_labels.py`."""

import os
import sys
from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from shared_labels import SharedLabels


class Application(Collector):
    def __init__(self, path: str = "requests.count") -> None:
        self.counts = SharedLabels(path)
        self.other = self.counts["other"]  # for paths that are too long, and when the file is full

    def collect(self) -> Iterable[CounterMetricFamily]:
        self.counts.read()
        family = CounterMetricFamily("http_requests", "Requests, by path.", labels=["path"])
        for path, counter in self.counts.copy().items():  # of a copy, since another thread may add a label
            family.add_metric([path], counter.value)
        yield family

    def count(self, path: str) -> None:
        try:
            counter = self.counts[path]
        except ValueError:
            counter = self.other
        counter.increment()

    def __call__(self, environ: dict[str, str], start_response: Callable[..., object]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            encode, content_type = choose_encoder(environ.get("HTTP_ACCEPT", ""))  # text or OpenMetrics
            start_response("200 OK", [("Content-Type", content_type)])
            return [encode(self)]
        self.count(environ["PATH_INFO"].encode("latin-1").decode(errors="replace"))  # before the client has its answer
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"Counted.\n"]


if __name__ == "__main__":
    gunicorn = [sys.executable, "-m", "gunicorn", "--pythonpath", sys.path[0], "--workers", "4"]
    os.execv(sys.executable, [*gunicorn, "gunicorn_labels:Application()"])
