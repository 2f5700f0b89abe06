"""What counters cost before they count: time, memory, and the package's import."""

from typing import Any

from bench.blocks import LabelMemory, Memory
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
for cls in ARTICLE:
    ours = group.add(f"memory {cls} compiled", Memory, f"fastcounter.{cls}(2**40)", ours=True)
    original = group.add(f"memory {cls} original", Memory, f"starting_at(2**40, pure.{cls}())")
    group.row(f"memory, {cls}", [ours, original], (original, ours))

code = "counter.add(label, 2**40)"
ours = group.add("memory CounterMap compiled", LabelMemory, "fastcounter.CounterMap()", code, ours=True)
code = "counter.setdefault(label, fastcounter.FastReadCounter(2**40)).increment()"
other = group.add("memory dict of FastReadCounters", LabelMemory, "{}", code, ours=True)
group.row("memory, a label (other: a dict of FastReadCounters)", [ours, other], (other, ours))

setup = "from subprocess import run; from sys import executable"
program = "run([executable, '-c', counter], check=True)"
floor = ["import nothing"]
ours = group.statement("import fastcounter", program, "'import fastcounter'", setup, times=1, ours=True, floor=floor)
other = group.statement("import nothing", program, "''", setup, times=1)
group.row("a program that imports it (other: none)", [ours, other], (other, ours))
