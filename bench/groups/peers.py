"""Other counters, as far as they are installed (the extra `peers`), and the published package of our name."""

from collections.abc import Callable
from pathlib import Path

from bench.group import Group
from bench.groups.processes import LOCKED, VALUE

PUBLISHED = "fastcounter==1.1.0"
PUBLISHED_MODULE = "published_fastcounter"  # since it has our name

group = Group(
    "peers",
    "Other counters",
    "None is faster to increment than the fastcounter class beside it.",
    ratios=["times fastcounter's"],
)


def peer(name: str, setup: str, increment: str, read: str = "", ours: str = "FastReadCounter") -> None:
    """Add another counter: what makes it, and how it is incremented and read."""
    for label, call, code in (("increment", "increment", increment), ("read", "value", read)):
        if code:
            other = group.statement(f"peers {name} {call}", code, setup=setup)
            group.row(f"{label}, {name}", other, (other, group.call(call, ours)))


peer("itertools.count", "counter = itertools.count()", "next(counter)", ours="FastWriteCounter")
peer("an int and a lock", "lock = threading.Lock(); counter = starting_at(0, Slot())", "with lock: counter.value += 1")
peer("cereggii", "import cereggii; counter = cereggii.AtomicInt64(0)", "counter += 1", "counter.get()")
peer("atomicx", "import atomicx; counter = atomicx.AtomicInt(0)", "counter.inc()")
peer("pyatomix", "import pyatomix; counter = pyatomix.AtomicInt(0)", "counter += 1")
ft_utils = "from ft_utils.concurrent import AtomicInt64; counter = AtomicInt64(0)"
peer("ft_utils", ft_utils, "counter.incr()", "counter.get()")
atomicshm = "import atomicshm; counter = atomicshm.AtomicView(memory)"
peer("atomicshm", atomicshm, "counter.fetch_add_u64(0, 1)", "counter.load_u64(0)", "SharedCounter")
peer("multiprocessing.Value", VALUE, LOCKED, ours="SharedCounter")
published = f"import {PUBLISHED_MODULE}; counter = {PUBLISHED_MODULE}"
peer("1.1.0 Counter", f"{published}.Counter()", "counter.increment()", ours="SingleThreadCounter")
peer("1.1.0 FastWriteCounter", f"{published}.FastWriteCounter()", "counter.increment()", ours="FastWriteCounter")


def install_published(directory: Path, run_python: Callable[..., str]) -> None:
    """Make the published package importable as PUBLISHED_MODULE from this directory, if it can be had."""
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps", "--target")
    run_python(*pip, str(directory / "published"), PUBLISHED, check=False)
    if (directory / "published").exists():
        (directory / "published" / "fastcounter").rename(directory / PUBLISHED_MODULE)
