"""Increments and reads by threads at the same time, by each way in which a program reaches a counter."""

from typing import Any

from bench.calls import ARTICLE, CALLS, code_of, counter_of
from bench.group import Group

INCREMENT = CALLS["increment"]
NUMBERS = (1, 2, 4, 8)

group = Group(
    "threads",
    "Threads at the same time, without the GIL",
    "Nanoseconds per increment, all threads together: half as many with two threads if they do not meet.",
    ["1 thread", *(f"{number} threads" for number in NUMBERS[1:]), "9 and a reader"],
    rounds=20,
    seconds=0.002,
    extension=None,
    without_gil=True,
    takes=45,
)


def add(label: str, name: str, code: str, counter: str, way: str, reader: str = "", **how: Any) -> None:
    """Add a row, in which the last column is for writers beside a reader."""
    name, how["way"] = f"threads {name} {way}", way
    names = group.concurrent(name, code, counter, NUMBERS, **how)
    if reader:
        names += group.concurrent(name, code, counter, [9], reader, **how)
    group.row(f"{label}, {way}", names)


for cls in ("FastWriteCounter", "FastReadCounter", "SharedCounter"):
    for way in ("local", "global", "attribute", "own") if cls != "SharedCounter" else ("local", "global", "attribute"):
        reader = code_of("value", cls) if way == "attribute" else ""
        add(cls, f"{cls} compiled", INCREMENT, counter_of(cls), way, reader, ours=True)
cls = "SingleThreadCounter"
add(cls, f"{cls} compiled", INCREMENT, counter_of(cls), "own", ours=True)
# A thread that starts takes the next stripe.  With so many in between, the threads that run begin on one stripe.
cls, label = "FastWriteCounter", "63 threads in between"
name, counter = f"{cls} compiled 63-between", counter_of(cls)
add(f"{cls}, {label}", name, INCREMENT, counter, "local", between=63, ours=True)

for cls in ARTICLE[:0:-1]:
    for way in ("attribute", "own") if cls == "FastWriteCounter" else ("attribute",):
        # Without the GIL itertools.count() may lose counts, and a lock makes threads wait.
        how: dict[str, Any] = {"may_lose": cls == "FastWriteCounter", "waits": cls == "FastReadCounter"}
        reader = code_of("value", cls) if way == "attribute" else ""
        add(f"original {cls}", f"{cls} original", INCREMENT, counter_of(cls, "original"), way, reader, **how)

for peer, code, counter in (
    ("cereggii", "counter.increment_and_get()", "cereggii.AtomicInt64(100_000)"),
    ("pyatomix", "counter.fetch_add(1)", "pyatomix.AtomicInt(100_000)"),
):
    add(peer, peer, code, counter, "attribute", setup=f"import {peer}")

for way in ("local", "own", "own-label"):
    add("CounterMap", "CounterMap compiled", "counter.increment(label)", "fastcounter.CounterMap()", way, ours=True)
add("a dict of FastReadCounters", "Labels", "counter[label].increment()", "Labels()", "local", ours=True)
increment = "counter[label].increment_and_get()"
counter = "cereggii.AtomicDict({'/': cereggii.AtomicInt64(0)})"
add("cereggii.AtomicDict", "cereggii.AtomicDict", increment, counter, "local", setup="import cereggii")

for label, implementation in (("reads of .value", "compiled"), ("reads of the original's", "original")):
    name, counter = f"reads FastReadCounter {implementation} attribute", counter_of("FastReadCounter", implementation)
    read: dict[str, Any] = {"way": "attribute", "reads": True, "ours": implementation == "compiled"}
    group.row(f"{label}, attribute", group.concurrent(name, CALLS["value"], counter, NUMBERS[:2], **read))
