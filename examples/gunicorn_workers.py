"""Let every worker serve all workers' counts at /metrics: `gunicorn -w4 --pythonpath examples gunicorn_workers`."""

import mmap
import os
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, core, make_wsgi_app

from fastcounter import SharedCounter

OFFSETS = {"2xx": 1024, "3xx": 1088, "4xx": 1152, "5xx": 1216}  # after the header, each in a 64-byte cache line
HEADER = f"http_responses {OFFSETS}\n".encode()  # the first line of the file; 1024 bytes leave room for more counts


def open_counts(path: str) -> dict[str, SharedCounter]:
    """Open the counts that all processes with this file share.  They go on when a worker or the server restarts."""
    with open(path, "a+b", buffering=0) as file:  # to start at 0, remove the file while no server runs
        if file.tell() == 0:  # several workers may find it empty: each appends a page, and all use the first
            file.write(HEADER.ljust(4096, b"\0"))
        memory = mmap.mmap(file.fileno(), 0)
    if (found := memory.readline()) != HEADER:
        raise ValueError(f"{path!r} holds {found!r}, but this program counts {HEADER!r}: use another file")
    return {name: SharedCounter(memory, offset) for name, offset in OFFSETS.items()}


class ResponsesCollector:
    def __init__(self, counts: Mapping[str, SharedCounter]) -> None:
        self.counts = counts

    def collect(self) -> Iterable[core.CounterMetricFamily]:
        family = core.CounterMetricFamily("http_responses", "Responses, by class of status.", labels=["class"])
        for name, counter in self.counts.items():
            family.add_metric([name], counter.value)
        yield family


counts = open_counts(os.environ.get("COUNT_FILE", "responses.count"))  # in each worker, or with --preload only once
registry = CollectorRegistry()  # not the default one, which also has metrics of single workers
registry.register(ResponsesCollector(counts))
metrics: Callable[..., Iterable[bytes]] = make_wsgi_app(registry)


def application(environ: dict[str, str], start_response: Callable[..., object]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/metrics":
        return metrics(environ, start_response)
    status = {"/": "200 OK", "/broken": "500 Internal Server Error"}.get(environ["PATH_INFO"], "404 Not Found")
    counts[f"{status[0]}xx"].increment()  # before the client can get the answer; in Flask, use `after_request`
    start_response(status, [("Content-Type", "text/plain")])
    return [f"{status}\n".encode()]
