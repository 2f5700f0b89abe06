"""Let every gunicorn worker serve the counts of all of them at /metrics: `python examples/gunicorn_workers.py`."""

import mmap
import os
import sys
from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from fastcounter import SharedCounter

TABLE = {"2xx": 1024, "3xx": 1088, "4xx": 1152, "5xx": 1216}  # the offset of each count: 64 bytes, a cache line, apart
HEADER = f"http_responses {TABLE}\n".encode()  # the first line of the file


class Application(Collector):
    def __init__(self, path: str) -> None:
        with open(path, "a+b", buffering=0) as file:
            # Several workers may find a new file empty.  Each then appends a page, and all use the first.
            if file.tell() == 0:
                file.write(HEADER.ljust(4096, b"\0"))
            memory = mmap.mmap(file.fileno(), 0)
        if (found := memory.readline()) != HEADER:
            raise ValueError(f"{path!r} holds {found!r}, but this program counts {HEADER!r}: use another file")
        self.counts = {name: SharedCounter(memory, offset) for name, offset in TABLE.items()}

    def collect(self) -> Iterable[CounterMetricFamily]:
        family = CounterMetricFamily("http_responses", "Responses, by class of status.", labels=["class"])
        for name, counter in self.counts.items():
            family.add_metric([name], counter.value)
        yield family

    def __call__(self, environ: dict[str, str], start_response: Callable[..., object]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            encode, content_type = choose_encoder(environ.get("HTTP_ACCEPT", ""))  # text or OpenMetrics
            start_response("200 OK", [("Content-Type", content_type)])
            return [encode(self)]
        status = {"/": "200 OK", "/broken": "500 Internal Server Error"}.get(environ["PATH_INFO"], "404 Not Found")
        self.counts[f"{status[0]}xx"].increment()  # before the client can get the answer
        start_response(status, [("Content-Type", "text/plain")])
        return [f"{status}\n".encode()]


application = Application(os.environ.get("COUNT_FILE", "responses.count"))

if __name__ == "__main__":
    os.execl(sys.executable, sys.executable, "-m", "gunicorn", "--pythonpath", sys.path[0], "-w4", "gunicorn_workers")
