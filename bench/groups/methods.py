"""The other methods, and counts of other sizes than the article's group has."""

from bench.calls import CLASSES, floor_of
from bench.group import Group

group = Group(
    "methods",
    "Other methods, and other counts",
    "With the GIL, increment_and_get() is at the floor too; a SharedCounter makes an int of each result.",
    ratios=["times the floor"],
)


def add(label: str, call: str, cls: str, count: str = "medium") -> None:
    name = group.call(call, cls, count=count)
    group.row(f"{label}, {cls}", name, (name, *floor_of(call, cls)))


for cls in CLASSES:
    add("add(1)", "add", cls)
for cls in CLASSES:
    if cls != "FastWriteCounter":  # it has no such method, as that would have to add up its parts
        add("increment_and_get()", "increment_and_get", cls)
add("increment_and_get(), stored", "increment_and_get-stored", "FastReadCounter")
add("add_and_get(1)", "add_and_get", "FastReadCounter")
add("add and reset", "add+reset", "FastReadCounter")
add("read after a reset", "value-after-reset", "FastWriteCounter")
add("increment", "increment", "SharedCounter")
add("read", "value", "SharedCounter")
add("increment below 256", "increment", "FastReadCounter", "small")
add("increment from 2**60", "increment", "FastReadCounter", "large")
