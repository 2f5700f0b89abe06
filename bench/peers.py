"""Other counters, as far as they are installed (the extra `peers`), and the published package of our name."""

from collections.abc import Callable
from pathlib import Path

PUBLISHED = "fastcounter==1.1.0"
PUBLISHED_MODULE = "published_fastcounter"  # since it has our name

VALUE = "from os import fork; import multiprocessing; value = counter = multiprocessing.get_context('fork').Value('q')"
LOCKED = "with counter.get_lock(): counter.value += 1"
PROMETHEUS = "from prometheus_client import CollectorRegistry as Registry, Counter"
TELEMETRY = "from opentelemetry.sdk.metrics import MeterProvider as Provider"
LOCK = "lock = threading.Lock(); counter = at(0, Slot())"
ADD = "counter.fetch_add_u64(0, 1)"

# Of each: what makes one, how it is incremented, and how it is read, where it can be.
PEERS: dict[str, tuple[str, str, str | None]] = {
    "itertools.count": ("counter = itertools.count()", "next(counter)", None),
    "an int and a lock": (LOCK, "with lock: counter.value += 1", "counter.value"),
    "cereggii": ("import cereggii; counter = cereggii.AtomicInt64(0)", "counter += 1", "counter.get()"),
    "atomicx": ("import atomicx; counter = atomicx.AtomicInt(0)", "counter.inc()", "counter.load()"),
    "pyatomix": ("import pyatomix; counter = pyatomix.AtomicInt(0)", "counter += 1", "counter.load()"),
    "ft_utils": ("from ft_utils.concurrent import AtomicInt64 as I; counter = I(0)", "counter.incr()", "counter.get()"),
    "prometheus_client": (f"{PROMETHEUS}; counter = Counter('c', 'c', registry=Registry())", "counter.inc()", None),
    "opentelemetry": (f"{TELEMETRY}; counter = Provider().get_meter('m').create_counter('c')", "counter.add(1)", None),
    "atomicshm": ("import atomicshm; counter = atomicshm.AtomicView(memory)", ADD, "counter.load_u64(0)"),
    "multiprocessing.Value": (VALUE, LOCKED, "counter.value"),
}
for _cls in ("Counter", "FastReadCounter", "FastWriteCounter"):
    _setup = f"import {PUBLISHED_MODULE}; counter = {PUBLISHED_MODULE}.{_cls}()"
    PEERS[f"{PUBLISHED}:{_cls}"] = (_setup, "counter.increment()", "counter.value")

# Which of ours they stand beside; the others beside FastReadCounter.
OURS = {"atomicshm": "SharedCounter", "multiprocessing.Value": "SharedCounter"}
OURS |= {f"{PUBLISHED}:Counter": "SingleThreadCounter", f"{PUBLISHED}:FastWriteCounter": "FastWriteCounter"}


def install_published(directory: Path, run_python: Callable[..., str]) -> None:
    """Make the published package importable as PUBLISHED_MODULE from this directory, if it can be had."""
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps", "--target")
    run_python(*pip, str(directory / "published"), PUBLISHED, check=False)
    if (directory / "published").exists():
        (directory / "published" / "fastcounter").rename(directory / PUBLISHED_MODULE)
