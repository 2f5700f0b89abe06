"""The same code under two names: a check of the benchmark itself, as in an A/A test."""

from bench.calls import LABELS
from bench.group import Group

group = Group(
    "aa",
    "The same code timed twice, to check the benchmark",
    "Each ratio should be 1, within its interval.",
    ["time", "time again"],
    ["ratio"],
    rounds=150,
)
for call, cls in (("increment", "FastWriteCounter"), ("value", "FastReadCounter")):
    first = group.call(call, cls, name=f"{call} {cls} same-code first", slower=0)  # or what --slower says
    second = group.call(call, cls, name=f"{call} {cls} same-code second")
    group.row(f"{LABELS[call]}, {cls}", [first, second], (first, second))
