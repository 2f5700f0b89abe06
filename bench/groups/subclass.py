"""Subclasses of a user's own, and the classes with the published package's API."""

from typing import Any

from bench.calls import ARTICLE, CLASSES, counter_of
from bench.group import Group

group = Group(
    "subclass",
    "increment() of a subclass, and of fastcounter.compat",
    "A subclass is as fast as its base class; the API of 1.x takes a number of steps, which costs more.",
    ratios=["times the base class's"],
)
ours: dict[str, Any] = {"ours": True, "floor": ["floor call"]}
WITH_A_DICT, WITH_SLOTS = "pass", "__slots__ = ()"
for label, cls, body in (
    *(("with a dict", cls, WITH_A_DICT) for cls in CLASSES),
    ("with slots", "FastReadCounter", WITH_SLOTS),
):
    counter = counter_of(cls).replace(f"fastcounter.{cls}", "Own")
    setup = f"class Own(fastcounter.{cls}): {body}"
    name = group.statement(f"subclass-{label[5:]} {cls} compiled medium", "counter.increment()", counter, setup, **ours)
    group.compare(f"subclass {label}, {cls}", name, group.call("increment", cls))
for cls, old in zip(ARTICLE, ("Counter", *ARTICLE[1:]), strict=True):
    name = group.statement(f"compat {cls} compiled medium", "counter.increment()", f"compat.{old}(100_000)", **ours)
    group.compare(f"compat.{old}", name, group.call("increment", cls))
