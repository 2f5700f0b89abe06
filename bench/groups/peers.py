"""Other counters, as far as they are installed (the extra `peers`), and the published package of our name."""

from collections.abc import Callable
from pathlib import Path

from bench.calls import LABELS
from bench.group import Group
from bench.groups.processes import LOCKED, VALUE

PUBLISHED = "fastcounter==1.1.0"
PUBLISHED_MODULE = "published_fastcounter"  # since it has our name

group = Group(
    "peers",
    "Other counters",
    "Each has the count of the fastcounter class beside it, and none is faster to increment. Where one is faster to "
    "read, fastcounter's `.value` is a getter (without the GIL, and of a SharedCounter), which CPython calls by its "
    "slowest path, as it does for its own `memoryview.nbytes`. Elsewhere `.value` is a slot.",
    ratios=["times fastcounter's"],
)


def peer(name: str, setup: str, increment: str = "", read: str = "", ours: str = "FastReadCounter") -> None:
    """Add another counter: what makes it, with the count that ours has, and how it is incremented and read."""
    for call, code in (("increment", increment), ("value", read)):
        if code:
            other = group.statement(f"peers {name} {call}", code, setup=setup)
            group.compare(f"{LABELS[call]}, {name}", other, group.call(call, ours))


peer("itertools.count", "counter = itertools.count(100_000)", "next(counter)", ours="FastWriteCounter")
locked = "lock = threading.Lock(); counter = starting_at(100_000, Slot())"
peer("an int and a lock", locked, "with lock: counter.value += 1")
peer("cereggii", "import cereggii; counter = cereggii.AtomicInt64(100_000)", "counter += 1", "counter.get()")
peer("atomicx", "import atomicx; counter = atomicx.AtomicInt(100_000)", "counter.inc()", "counter.load()")
peer("pyatomix", "import pyatomix; counter = pyatomix.AtomicInt(100_000)", "counter += 1", "counter.load()")
ft_utils = "from ft_utils.concurrency import AtomicInt64; counter = AtomicInt64(100_000)"
peer("ft_utils", ft_utils, "counter.incr()", "counter.get()")
atomics2 = "import atomics2; counter = atomics2.atomic(8, atomics2.INT); counter.store(100_000)"
peer("atomics2", atomics2, "counter.inc()", "counter.load()")
atomicshm = "import atomicshm; counter = atomicshm.AtomicView(memory); counter.store_u64(0, 100_000)"
peer("atomicshm", atomicshm, "counter.fetch_add_u64(0, 1)", "counter.load_u64(0)", "SharedCounter")
peer("multiprocessing.Value", f"{VALUE}; counter.value = 100_000", LOCKED, ours="SharedCounter")
ours = group.statement(
    "peers CounterMap compiled int", "counter.increment(12_345)", "fastcounter.CounterMap()", ours=True
)
preshed = "from preshed.counter import PreshCounter; counter = PreshCounter()"
name = group.statement("peers preshed increment", "counter.inc(12_345, 1)", setup=preshed)
group.compare("increment, preshed's PreshCounter (ours: CounterMap)", name, ours)
published = f"import {PUBLISHED_MODULE}; counter = {PUBLISHED_MODULE}"
peer("1.1.0 Counter", f"{published}.Counter(100_000)", "counter.increment()", ours="SingleThreadCounter")
peer("1.1.0 FastWriteCounter", f"{published}.FastWriteCounter(100_000)", "counter.increment()", ours="FastWriteCounter")
peer("CPython's memoryview.nbytes", "counter = memoryview(bytes(100_000))", read="counter.nbytes")


def install_published(directory: Path, run_python: Callable[..., str]) -> None:
    """Make the published package importable as PUBLISHED_MODULE from this directory, if it can be had."""
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps", "--target")
    run_python(*pip, str(directory / "published"), PUBLISHED, check=False)
    if (directory / "published").exists():
        (directory / "published" / "fastcounter").rename(directory / PUBLISHED_MODULE)
