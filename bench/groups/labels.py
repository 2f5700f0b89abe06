"""Counting by label."""

from bench.group import Group

group = Group(
    "labels",
    "Counting by label",
    "A dict of FastReadCounters is the fastest, and unlike a collections.Counter it loses no counts.",
    ratios=["times a dict of FastReadCounters"],
)
setup = """
import collections
lock = threading.Lock()
class Labels(dict):
    def __missing__(self, label):
        return self.setdefault(label, fastcounter.FastReadCounter())
"""
ours = group.statement("labels FastReadCounter compiled", "counter['/'].increment()", "Labels()", setup)
group.row("a dict of FastReadCounters", ours, (ours, ours))

name = group.statement("labels collections.Counter", "counter['/'] += 1", "collections.Counter()", setup)
group.row("a collections.Counter", name, (name, ours))

name = group.statement("labels dict-and-lock", "with lock: counter['/'] += 1", "{'/': 0}", setup)
group.row("a dict and a lock", name, (name, ours))
