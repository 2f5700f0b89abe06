"""What all benchmarks share: the calls of counters, and the expressions that make counters."""

ARTICLE = ("SingleThreadCounter", "FastReadCounter", "FastWriteCounter")
CLASSES = (*ARTICLE, "SharedCounter")
IMPLEMENTATIONS = ("compiled", "original")

# Where a count starts.  CPython shares the ints below 257; from 2**60 on an int has three digits.
COUNTS = {"small": "0", "medium": "100_000", "large": "2**60"}

# A loop repeats the statement so many times that the loop itself takes hardly any time.  A count that starts at 0 is
# still a small int at the end.
UNROLLED = 200

# The name of each call, and its code.
CALLS = {
    "increment": "counter.increment()",
    "decrement": "counter.decrement()",
    "increment+decrement": "counter.increment(); counter.decrement()",  # what is in progress
    "value": "counter.value",
    "increment+value": "counter.increment(); counter.value",
    "add": "counter.add(1)",
    "add_and_get": "counter.add_and_get(1)",
    "increment_and_get": "counter.increment_and_get()",
    "increment_and_get-stored": "count = counter.increment_and_get()",  # the next call cannot use the int again
    "add+reset": "counter.add(100_000); counter.reset()",
    "value-after-reset": "counter.value",
}

# What tables call these calls.
LABELS = {"increment": "increment", "value": "read", "increment+value": "increment, read"}

# All code may use these names.
SETUP = """
import itertools, mmap, threading
from array import array
import fastcounter
from fastcounter import compat, pure
memory = mmap.mmap(-1, 4096)
class Slot:
    __slots__ = ("value",)
class Labels(dict):
    def __missing__(self, label):
        return self.setdefault(label, fastcounter.FastReadCounter())
def starting_at(count, original):  # the originals take no initial count
    steps = isinstance(original, pure.FastWriteCounter)
    setattr(original, *(("_steps", itertools.count(count)) if steps else ("value", count)))
    return original
def after_reset(counter):
    counter.add(counter.reset())
    return counter
"""


def name_of(call: str, cls: str, implementation: str = "compiled", count: str = "medium") -> str:
    """Return the name of a benchmark, such as "increment FastReadCounter compiled medium"."""
    return f"{call} {cls} {implementation} {count}"


def code_of(call: str, cls: str) -> str:
    return CALLS[call].replace("value", "value()") if cls == "FastWriteCounter" else CALLS[call]


def counter_of(cls: str, implementation: str = "compiled", count: str = "medium") -> str:
    """Return the expression that makes a counter."""
    start = COUNTS[count]
    if implementation == "original":
        return f"starting_at({start}, pure.{cls}())"
    return f"fastcounter.{cls}(array('q', [{start}]))" if cls == "SharedCounter" else f"fastcounter.{cls}({start})"


def floor_of(call: str, cls: str) -> tuple[str, ...]:
    """Return the benchmarks of the least that CPython can do instead of this call.

    That is to call a method that does nothing, or to read a slot instead of an attribute that is a slot.
    """
    read = "floor slot" if cls in ("SingleThreadCounter", "FastReadCounter") else "floor call"
    floors = {"increment+value": ("floor call", read), "add+reset": ("floor call", "floor call")}
    floors["increment+decrement"] = floors["add+reset"]
    return (read,) if call in ("value", "value-after-reset") else floors.get(call, ("floor call",))
