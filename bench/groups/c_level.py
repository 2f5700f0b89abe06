"""Increments of one counter that Cython code calls, by threads at the same time."""

from typing import Any

from bench.calls import CLASSES, counter_of
from bench.group import Group

group = Group(
    "c-level",
    "Increments of one counter, called from Cython",
    "With the GIL only SharedCounter's calls can run at the same time; but both threads then write to one integer.",
    ["1 thread", "2 threads"],
    ["throughput of 2 threads / of 1"],
    rounds=10,
    seconds=0.002,
    extension="c_level",
)
in_c: dict[str, Any] = {"setup": "import c_level", "times": 1, "in_c": 10_000, "ours": True}
for cls in CLASSES[1:]:  # a SingleThreadCounter would lose counts
    how = in_c | {"releases_gil": cls == "SharedCounter"}
    name, code = f"c-level {cls} compiled threads", "c_level.increment(counter, 10_000)"
    one, two = group.concurrent(name, code, counter_of(cls), (1, 2), **how)
    group.row(cls, [one, two], (one, two))
