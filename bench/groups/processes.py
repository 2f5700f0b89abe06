"""Increments by processes at the same time, against a multiprocessing.Value.

A SharedCounterMap is also compared with itself: two processes with one, and one label with labels of their own.
"""

from typing import Any

from bench.calls import CALLS
from bench.group import Group

# Windows has no fork(): the import fails there, and so leaves the benchmark out.
VALUE = "from os import fork; import multiprocessing; value = counter = multiprocessing.get_context('fork').Value('q')"
LOCKED = "with counter.get_lock(): counter.value += 1"
NUMBERS = (1, 2)

group = Group(
    "processes",
    "Processes at the same time",
    "A SharedCounter needs no lock. Processes that count in the same 64 bytes wait for each other's cache line.",
    ratios=["times faster than a Value", "throughput, 2 / 1", "one label / own"],
    rounds=10,
    seconds=0.01,
    extension=None,
)
forked: dict[str, Any] = {"forked": True, "setup": "from os import fork", "ours": True}
value: dict[str, Any] = {"forked": True, "setup": VALUE, "waits": True, "times": 20}
values = group.concurrent("processes multiprocessing.Value one", LOCKED, "value", NUMBERS, **value)
for title, short, offset, way, numbers in (
    ("one SharedCounter", "one", "0", "local", NUMBERS),
    ("SharedCounters 64 bytes apart", "each-64", "64 * index", "own", (2,)),
    ("SharedCounters 8 bytes apart", "each-8", "8 * index", "own", (2,)),
):
    name, counter = f"processes SharedCounter compiled {short}", f"fastcounter.SharedCounter(memory, {offset})"
    ours = group.concurrent(name, CALLS["increment"], counter, numbers, way=way, **forked)
    for n, name in zip(numbers, ours, strict=True):
        group.row(f"{title}, {n} process{'es' if n > 1 else ''}", name, (values[NUMBERS.index(n)], name))

call, counter = "counter.increment(label)", "fastcounter.SharedCounterMap(memory)"
own = group.concurrent(
    "processes SharedCounterMap compiled own-label", call, counter, NUMBERS, way="own-label", **forked
)
one = group.concurrent("processes SharedCounterMap compiled one-label", call, counter, NUMBERS[1:], **forked)
group.row("a label of a SharedCounterMap, 1 process", own[0], (values[0], own[0]))
group.row("labels of a SharedCounterMap, 2 processes", own[1], (values[1], own[1]), (own[0], own[1]))
group.row(
    "one label of a SharedCounterMap, 2 processes", one[0], (values[1], one[0]), (own[0], one[0]), (one[0], own[1])
)
