"""The calls of the article's counters."""

from itertools import product

from bench.calls import ARTICLE, IMPLEMENTATIONS, LABELS, floor_of
from bench.group import Group

group = Group(
    "article",
    "The article's counters, against the originals",
    "With the GIL, a call takes hardly more than the floor. Without it, a read calls a getter that makes an int, where "
    "the originals have one in a slot.",
    IMPLEMENTATIONS,
    ["times faster", "times the floor"],
    rounds=150,
)
for call, cls in product(LABELS, ARTICLE):
    ours, original = (group.call(call, cls, each) for each in IMPLEMENTATIONS)
    floor = [(ours, *floor_of(call, cls))] if call != "increment+value" else []  # that is the sum of the other two
    group.row(f"{LABELS[call]}, {cls}", [ours, original], (original, ours), *floor)
