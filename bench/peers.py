"""Other counters, as far as they are installed: `python -m bench --peers`, with the extra `peers`."""

import os
import subprocess
import sys
from pathlib import Path

# Of each: what makes one, how it is incremented by 1, and how it is read, or None where it cannot be.
PEERS = {
    "itertools.count": ("import itertools; counter = itertools.count()", "next(counter)", None),
    "lock": ("import threading; lock = threading.Lock(); count = 0", "with lock: count += 1", "count"),
    "atomicx": ("from atomicx import AtomicInt; counter = AtomicInt(0)", "counter.inc()", "counter.load()"),
    "pyatomix": ("from pyatomix import AtomicInt; counter = AtomicInt(0)", "counter += 1", "counter.load()"),
    "cereggii": ("from cereggii import AtomicInt64; counter = AtomicInt64(0)", "counter += 1", "counter.get()"),
    "ft_utils": (
        "from ft_utils.concurrent import AtomicInt64; counter = AtomicInt64(0)",
        "counter.incr()",
        "counter.get()",
    ),
    "prometheus_client": (
        "from prometheus_client import CollectorRegistry, Counter;"
        " counter = Counter('c', 'c', registry=CollectorRegistry())",
        "counter.inc()",
        None,
    ),
    "opentelemetry": (
        "from opentelemetry.sdk.metrics import MeterProvider;"
        " counter = MeterProvider().get_meter('bench').create_counter('c')",
        "counter.add(1)",
        None,
    ),
}

# The published package has our import name, so it is measured in an environment of its own.
PUBLISHED = "fastcounter==1.1.0"
PUBLISHED_CLASSES = ("Counter", "FastReadCounter", "FastWriteCounter")


def why_left_out(name: str) -> str | None:
    """The error that keeps a peer from being measured, or None."""
    check = subprocess.run([sys.executable, "-c", PEERS[name][0]], capture_output=True, text=True)
    return check.stderr.strip().splitlines()[-1] if check.returncode else None


def make_published_environment(directory: Path) -> tuple[Path, str | None]:
    """An environment with the published package and pyperf; its Python, and the error if there is none."""
    import venv  # not in a worker, which has to start fast

    venv.create(directory, with_pip=True)
    python = Path(directory, "Scripts" if os.name == "nt" else "bin", "python")
    install = subprocess.run(
        [python, "-m", "pip", "install", "-q", PUBLISHED, "pyperf"], capture_output=True, text=True
    )
    return python, install.stderr.strip().splitlines()[-1] if install.returncode else None


def measure_published(python: Path, directory: str, options: list[str]) -> None:
    """Measure the published package with pyperf's own command, which adds to the results."""
    for class_name in PUBLISHED_CLASSES:
        setup = f"import fastcounter; counter = fastcounter.{class_name}()"
        for operation, statement in (("increment", "counter.increment()"), ("value", "counter.value")):
            name = f"peers {PUBLISHED}:{class_name} {operation}"
            timeit = [str(python), "-m", "pyperf", "timeit", "--quiet", *options]
            subprocess.run([*timeit, "--name", name, "-s", setup, statement], cwd=directory, check=True)
