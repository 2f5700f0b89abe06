"""The other methods, and counts of other sizes than the article's group has."""

from bench.calls import CLASSES
from bench.group import Group

group = Group(
    "methods",
    "Other methods, and other counts",
    "With the GIL, increment_and_get() is at the floor too; a SharedCounter makes an int of each result.",
    ratios=["times the floor"],
)

for cls in CLASSES:
    group.compare(f"add(1), {cls}", group.call("add", cls))
for cls in CLASSES:
    if cls != "FastWriteCounter":  # it has no such method, as that would have to add up its parts
        group.compare(f"increment_and_get(), {cls}", group.call("increment_and_get", cls))
for label, call, cls in (
    ("increment_and_get(), stored", "increment_and_get-stored", "FastReadCounter"),
    ("add_and_get(1)", "add_and_get", "FastReadCounter"),
    ("add and reset", "add+reset", "FastReadCounter"),
    ("read after a reset", "value-after-reset", "FastWriteCounter"),
    ("increment", "increment", "SharedCounter"),
    ("read", "value", "SharedCounter"),
):
    group.compare(f"{label}, {cls}", group.call(call, cls))
for label, count in (("below 256", "small"), ("from 2**60", "large")):
    cls = "FastReadCounter"
    group.compare(f"increment {label}, {cls}", group.call("increment", cls, count=count))
for cls in CLASSES:
    group.compare(f"decrement, {cls}", group.call("decrement", cls))
cls = "FastReadCounter"
group.compare(f"increment and decrement near 0, {cls}", group.call("increment+decrement", cls, count="small"))
