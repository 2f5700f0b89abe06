"""What an event costs where counts are exported, and what a scrape of many workers' counts costs.

Multiprocess mode is prometheus_client's for servers with several workers.  An environment variable selects it when the
library is imported, and then sets `values.ValueClass`.  Here each metric sets that class for itself, so that both modes
are timed alternately in one process.
"""

import mmap
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any

from bench.group import Group
from fastcounter import SharedCounter, SharedCounterMap

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025)
LABELS = [f"/{number}" for number in range(100)]

group = Group(
    "exporters",
    "Events that are exported, and scrapes of 100 labels",
    "An increment takes no lock and makes no system call; and workers that share counters leave no files to be read.",
    ratios=["times fastcounter's"],
    rounds=10,
    extension=None,
    takes=8,
)


def multiprocess(make: Callable[[], Any]) -> Any:
    """A metric of prometheus_client in multiprocess mode."""
    from prometheus_client import values

    usual, values.ValueClass = values.ValueClass, values.MultiProcessValue()  # type: ignore[no-untyped-call]
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp()
    try:
        return make()
    finally:
        values.ValueClass = usual


def prometheus_counter() -> Any:
    from prometheus_client import CollectorRegistry, Counter

    metric = Counter("requests", "Requests served.", ["path"], registry=CollectorRegistry())
    metric.labels("/")  # makes the child
    return metric


def child() -> Any:
    """What labels() returns, which a program may keep."""
    return prometheus_counter().labels("/")


def prometheus_histogram() -> Any:
    from prometheus_client import CollectorRegistry, Histogram

    return Histogram("latency", "Time that a job takes.", registry=CollectorRegistry(), buckets=BOUNDS)


def meter() -> Any:
    """A meter of OpenTelemetry, with a reader, because without one it does nothing."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    return MeterProvider([InMemoryMetricReader()]).get_meter("bench")


def statsd() -> Any:
    """A client of a server that takes packets and does nothing with them."""
    import socket

    from statsd import StatsClient

    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    client = StatsClient("127.0.0.1", server.getsockname()[1])
    client.server = server  # keeps it open
    return client


def redis() -> Any:
    """A client of a server that only this process uses, and that ends with it."""
    import atexit

    from redis import Redis
    from redis.backoff import ConstantBackoff
    from redis.exceptions import ConnectionError
    from redis.retry import Retry

    program = shutil.which("redis-server")
    if not program:
        raise ImportError("No program named 'redis-server'")
    path = f"{tempfile.mkdtemp()}/socket"
    command = [program, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    atexit.register(server.terminate)
    retry = Retry(ConstantBackoff(0.1), 100, (ConnectionError,))  # until it listens
    client = Redis(unix_socket_path=path, retry=retry)
    client.ping()
    return client


def scrape_of(counts: Callable[[], Iterable[tuple[str, int]]]) -> Callable[[], bytes]:
    """A scrape of a program that has the labels and counts that this returns."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily
    from prometheus_client.registry import Collector

    class Requests(Collector):
        def collect(self) -> Iterator[CounterMetricFamily]:
            family = CounterMetricFamily("requests", "Requests served.", labels=["path"])
            for path, count in counts():
                family.add_metric([path], count)
            yield family

    registry = CollectorRegistry()
    registry.register(Requests())
    return partial(generate_latest, registry)


def scrape_of_shared_counters() -> Callable[[], bytes]:
    """A scrape of a program in which each of 100 labels has its SharedCounter."""
    memory = mmap.mmap(-1, 6400)
    counters = {label: SharedCounter(memory, 64 * number) for number, label in enumerate(LABELS)}
    return scrape_of(lambda: ((label, counter.value) for label, counter in counters.items()))


def scrape_of_shared_map(workers: int) -> Callable[[], bytes]:
    """A scrape of a program in which a SharedCounterMap has the labels, and so many workers have come and gone."""
    return scrape_of(counted_by(workers).items)


@cache
def counted_by(workers: int) -> SharedCounterMap[str]:
    """A SharedCounterMap with 100 labels.  So many processes have attached one, counted each label, and ended."""
    from os import _exit, fork, waitpid

    memory = mmap.mmap(-1, 2**20)
    for _ in range(workers):
        child = fork()
        if child == 0:
            try:
                SharedCounterMap[str](memory).update(LABELS)
                _exit(0)
            finally:
                _exit(1)
        if waitpid(child, 0)[1] != 0:
            raise RuntimeError("a worker failed")
    counts = SharedCounterMap[str](memory)
    if counts != dict.fromkeys(LABELS, workers):
        raise RuntimeError(f"{workers} workers have counted {dict(counts)}")
    return counts


def scrape_of_workers(number: int) -> Callable[[], bytes]:
    """A scrape of a program with so many workers, in multiprocess mode."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    def first() -> None:
        metric = prometheus_counter()
        for label in LABELS[:99]:
            metric.labels(label).inc()

    multiprocess(first)
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
    (file,) = os.listdir(folder)
    for worker in range(1, number):
        shutil.copy(f"{folder}/{file}", f"{folder}/counter_{worker}-dead.db")
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return partial(generate_latest, registry)


setup, code = "counter = {'/': fastcounter.FastWriteCounter()}", "counter['/'].increment()"
ours = group.statement("exporters FastWriteCounter compiled", code, setup=setup, ours=True)
group.compare("count: FastWriteCounter in a dict", ours, ours)
name = group.statement("exporters prometheus_client child", "counter.inc()", setup=child)
group.compare("count: prometheus_client, child kept", name, ours)
name = group.statement("exporters prometheus_client labels", "counter.labels('/').inc()", setup=prometheus_counter)
group.compare("count: prometheus_client, labels()", name, ours)
code = "counter.add(1, {'path': '/'})"
name = group.statement("exporters opentelemetry add", code, setup=lambda: meter().create_counter("c"))
group.compare("count: OpenTelemetry", name, ours)
name = group.statement("exporters statsd incr", "counter.incr('path')", setup=statsd, times=20)
group.compare("count: statsd, UDP", name, ours)
name = group.statement("exporters redis incr", "counter.incr('path')", setup=redis, times=5)
group.compare("count: Redis INCR, Unix socket", name, ours)

setup, code = "counter = {'/': fastcounter.SharedCounter(memory)}", "counter['/'].increment()"
ours = group.statement("exporters SharedCounter compiled", code, setup=setup, ours=True)
group.compare("all workers: SharedCounter in a dict", ours, ours)
setup, code = "counter = fastcounter.SharedCounterMap(memory)", "counter.increment('/')"
by_label = group.statement("exporters SharedCounterMap compiled", code, setup=setup, ours=True)
group.compare("all workers: SharedCounterMap", by_label, ours)
name = group.statement("exporters prometheus_client all-child", "counter.inc()", setup=partial(multiprocess, child))
group.compare("all workers: prometheus_client, child kept", name, ours)
code, made = "counter.labels('/').inc()", partial(multiprocess, prometheus_counter)
name = group.statement("exporters prometheus_client all-labels", code, setup=made)
group.compare("all workers: prometheus_client, labels()", name, by_label)

setup = "from examples.latency_histogram import LatencyHistogram as Latency; "
setup += f"counter = Latency('latency', 'Time that a job takes.', {BOUNDS})"
ours = group.statement("exporters histogram compiled", "counter.observe(0.0012)", setup=setup, ours=True)
group.compare("latency: the example's histogram", ours, ours)
code = "counter.observe(0.0012)"
name = group.statement("exporters prometheus_client observe", code, setup=prometheus_histogram)
group.compare("latency: prometheus_client", name, ours)
code = "counter.record(0.0012, {'path': '/'})"
name = group.statement("exporters opentelemetry record", code, setup=lambda: meter().create_histogram("h"))
group.compare("latency: OpenTelemetry", name, ours)

name = "exporters SharedCounter compiled-scrape"
ours = group.statement(name, "counter()", setup=scrape_of_shared_counters, ours=True, times=1)
group.compare("scrape: SharedCounters", ours, ours)
name, made = "exporters SharedCounterMap compiled-scrape", partial(scrape_of_shared_map, 1)
name = group.statement(name, "counter()", setup=made, ours=True, times=1)
group.compare("scrape: SharedCounterMap", name, ours)
for workers in (1, 100, 1000):
    made = partial(scrape_of_workers, workers)
    name = group.statement(f"exporters prometheus_client scrape-{workers}", "counter()", setup=made, times=1)
    group.compare(f"scrape: prometheus_client, {workers:,} worker{'s' if workers > 1 else ''}", name, ours)
