"""Calls by a thread that does not own the counter, if fastcounter or CPython itself defers reference counting."""

from bench.calls import CLASSES, LABELS, code_of, counter_of
from bench.group import Group

group = Group(
    "deferred",
    "Calls if CPython itself defers reference counting",
    "From 3.15 it does so for some counters. Calls then take as long as if fastcounter defers it.",
    ratios=["times as long as if fastcounter defers"],
    rounds=100,
    extension=None,
    without_gil=True,
)
setup = """
import ctypes
from concurrent.futures import ThreadPoolExecutor
thread = ThreadPoolExecutor(1)
defer = getattr(ctypes.pythonapi, "PyUnstable_Object_EnableDeferredRefcount", lambda counter: 0)
def deferred(counter):
    defer(ctypes.py_object(counter))
    return counter
"""
for call in ("increment", "value"):
    for cls in CLASSES:
        counter = f"thread.submit(lambda: {counter_of(cls)}).result()"
        ours = group.statement(f"deferred-by-us {call} {cls} compiled", code_of(call, cls), counter, setup, ours=True)
        counter = f"deferred({counter})"
        theirs = group.statement(f"deferred {call} {cls} compiled", code_of(call, cls), counter, setup, ours=True)
        group.compare(f"{LABELS[call]}, {cls}", theirs, ours)
