"""What counters cost before they count: time, memory, and the package's import."""

import subprocess
import sys
from functools import cache
from typing import Any

from bench.blocks import Bytes, LabelMemory, Memory
from bench.calls import ARTICLE
from bench.group import Group

group = Group(
    "creation",
    "Making a counter",
    "Counters take less memory than the originals; the last row times a Python program with and without the import.",
    ["fastcounter", "other"],
    ["other / fastcounter"],
    rounds=20,
    takes=4,
)
called: dict[str, Any] = {"ours": True, "floor": ["floor call"]}
for cls in ARTICLE:
    ours = group.statement(f"creation {cls} compiled", "counter()", f"fastcounter.{cls}", **called)
    original = group.statement(f"creation {cls} original", "counter()", f"pure.{cls}")
    group.row(f"time, {cls}", [ours, original], (original, ours))
setup = "from os import fork; import multiprocessing; value = multiprocessing.get_context('fork').Value"
ours = group.statement("creation SharedCounter compiled", "counter(memory)", "fastcounter.SharedCounter", **called)
other = group.statement("creation multiprocessing.Value", "counter('q')", "value", setup, times=5)
group.row("time, SharedCounter (other: Value)", [ours, other], (other, ours))
attach = "counter(memory)"
ours = group.statement("creation SharedCounterMap compiled", attach, "fastcounter.SharedCounterMap", times=20, **called)
other = group.statement("creation CounterMap compiled", "counter()", "fastcounter.CounterMap", **called)
group.row("time, SharedCounterMap of 4,096 bytes (other: CounterMap)", [ours, other], (other, ours))
for cls in ARTICLE:
    ours = group.add(f"memory {cls} compiled", Memory, f"fastcounter.{cls}(2**40)", ours=True)
    original = group.add(f"memory {cls} original", Memory, f"starting_at(2**40, pure.{cls}())")
    group.row(f"memory, {cls}", [ours, original], (original, ours))

code = "counter.add(label, 2**40)"
ours = group.add("memory CounterMap compiled", LabelMemory, "fastcounter.CounterMap()", code, ours=True)
code = "counter.setdefault(label, fastcounter.FastReadCounter(2**40)).increment()"
other = group.add("memory dict of FastReadCounters", LabelMemory, "{}", code, ours=True)
group.row("memory, a label (other: a dict of FastReadCounters)", [ours, other], (other, ours))

code, counter = "counter.increment(label)", f"fastcounter.SharedCounterMap(bytearray({64 * 10_001}))"
ours = group.add("memory SharedCounterMap compiled", LabelMemory, counter, code, ours=True)
code = "counter.setdefault(label, fastcounter.SharedCounter(counter['memory'], 64 * len(counter) - 64)).increment()"
counter = f"dict(memory=bytearray({64 * 10_000}))"
other = group.add("memory dict of SharedCounters compiled", LabelMemory, counter, code, ours=True)
group.row("memory, a label for all processes (other: SharedCounters)", [ours, other], (other, ours))

RESETS = """
import resource, sys, fastcounter
counter, unit = fastcounter.CounterMap(), 1 if sys.platform == "darwin" else 1024
for number in range(100):
    counter.update(range(100_000 * number, 100_000 * (number + 1)))
    assert len(counter.reset()) == 100_000 and not counter
    if number in (1, 99):
        print(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@cache
def memory_of_resets() -> list[int]:
    """The most memory that a program has had after two resets of 100,000 new labels each, and after a hundred."""
    import resource  # noqa: F401  # Windows has none

    return [int(number) for number in subprocess.check_output([sys.executable, "-c", RESETS]).split()]


ours = group.add("memory resets-100 compiled", Bytes, lambda: memory_of_resets()[1], ours=True)
other = group.add("memory resets-2 compiled", Bytes, lambda: memory_of_resets()[0], ours=True)
group.row("memory, 100 resets of 100,000 new labels (other: 2 resets)", [ours, other], (other, ours))

setup = "from subprocess import run; from sys import executable"
program = "run([executable, '-c', counter], check=True)"
floor = ["import nothing"]
ours = group.statement("import fastcounter", program, "'import fastcounter'", setup, times=1, ours=True, floor=floor)
other = group.statement("import nothing", program, "''", setup, times=1)
group.row("a program that imports it (other: none)", [ours, other], (other, ours))
