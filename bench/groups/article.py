"""The calls of the article's counters."""

from itertools import product

from bench.calls import ARTICLE, IMPLEMENTATIONS, floor_of
from bench.group import Group

group = Group(
    "article",
    "The article's counters, against the originals in pure Python",
    "No compiled call is slower than the original, and with the GIL each takes hardly more than the floor.",
    IMPLEMENTATIONS,
    ["times faster", "times the floor"],
    rounds=150,
)
LABELS = {"increment": "increment", "value": "read", "increment+value": "increment, read"}
for call, cls in product(LABELS, ARTICLE):
    ours, original = (group.call(call, cls, each) for each in IMPLEMENTATIONS)
    group.row(f"{LABELS[call]}, {cls}", [ours, original], (original, ours), (ours, *floor_of(ours)))
