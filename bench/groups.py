"""What is measured, in groups that are timed together, and the tables of their results.

The name of a benchmark: OPERATION CLASS IMPLEMENTATION COUNT, as in "increment FastReadCounter compiled medium".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any

from tabulate import tabulate

from bench import contenders
from bench.contenders import Block
from bench.peers import LOCKED, OURS, PEERS, VALUE
from bench.results import Results
from bench.table import Cell, lost, ratio, time, twins

ARTICLE = ("SingleThreadCounter", "FastReadCounter", "FastWriteCounter")
CLASSES = (*ARTICLE, "SharedCounter")
IMPLEMENTATIONS = ("compiled", "original")

# Where a count starts.  Small ints are shared by all of CPython; from 2**60 on an int has three digits.
SIZES = {"small": "0", "medium": "100_000", "large": "2**60"}

# What is called, and what the tables call it.
CALLS = {
    "increment": ("counter.increment()", "increment"),
    "value": ("counter.value", "read"),
    "increment+value": ("counter.increment(); counter.value", "increment, read"),
    "add": ("counter.add(1)", "add(1)"),
    "add_and_get": ("counter.add_and_get(1)", "add_and_get(1)"),
    "increment_and_get": ("counter.increment_and_get()", "increment_and_get"),
    "kept": ("count = counter.increment_and_get()", "its result kept"),  # the next call cannot reuse the int
    "add+reset": ("counter.add(100_000); counter.reset()", "add, reset"),
    "drained": ("counter.value", "read after a reset"),
}
READS = ("increment", "value", "increment+value")

GROUPS: dict[str, "Group"] = {}

# How groups are timed that do not consist of statements.
CROWD: dict[str, Any] = {"rounds": 10, "seconds": 0.01, "extension": None}
ONCE: dict[str, Any] = {"rounds": 20, "seconds": 0, "extension": None}


@dataclass
class Group:
    """What is timed together, and how it is shown."""

    name: str
    title: str
    headings: list[str]
    labels: int = 2  # columns of the table
    note: str = ""
    rounds: int = 50
    seconds: float = 0.000_3  # a block; 0 for one that is not repeated
    extension: str | None = "floor"  # what has to be compiled
    contenders: dict[str, Callable[[], Block]] = field(default_factory=dict)
    rows: list[list[str | Cell]] = field(default_factory=list)

    def __post_init__(self) -> None:
        GROUPS[self.name] = self
        if self.extension == "floor":
            self.time("floor call", "counter.method()", "floor.Floor()", "import floor")
            self.time("floor twin", "counter.method()", "floor.Floor()", "import floor")
            self.time("floor slot", "counter.value", "at(100_000, Slot())")

    def time(self, name: str, code: str, counter: str, setup: str = "", **how: Any) -> str:
        """Add a statement, and return its name."""
        self.contenders[name] = partial(contenders.statement, code, counter, setup, **how)
        return name

    def call(self, operation: str, cls: str, implementation: str = "compiled", size: str = "medium") -> str:
        """Add a call of a counter's, and return its name."""
        code = CALLS[operation][0].replace("value", "value()" if cls == "FastWriteCounter" else "value")
        counter = counter_at(SIZES[size], cls, implementation)
        counter = f"drained({counter})" if operation == "drained" else counter
        return self.time(f"{operation} {cls} {implementation} {size}", code, counter, fresh=size == "small")

    def crowd(self, name: str, counter: str, writers: int, **how: Any) -> str:
        """Add increments by many at a time, and return their name."""
        self.contenders[name] = partial(contenders.crowd, counter, writers, **how)
        return name

    def row(self, label: str, *cells: str | Cell) -> None:
        self.rows.append([CALLS[label][1] if label in CALLS else label, *cells])

    def table(self, all_results: Sequence[Results], style: str) -> str | None:
        """The table, in Markdown with a column for the Python; None if it is empty."""
        body, at = [], self.labels
        for row in self.rows:
            for results in (each.of(self.name) for each in all_results):
                texts = [cell if isinstance(cell, str) else cell(results) for cell in row]
                if any(texts[at:]):
                    python = [results.python] if style == "github" else []
                    body.append([text or "-" for text in texts[:at] + python + texts[at:]])
        headings = self.headings[:at] + (["Python"] if style == "github" else []) + self.headings[at:]
        return tabulate(body, headings, tablefmt=style, disable_numparse=True) if body else None


def counter_at(count: str, cls: str, implementation: str = "compiled") -> str:
    """The expression for a counter that stands at this count."""
    if implementation == "original":
        return f"at({count}, pure.{cls}())"
    return f"fastcounter.{cls}(array('q', [{count}]))" if cls == "SharedCounter" else f"fastcounter.{cls}({count})"


def floor_of(name: str) -> list[str]:
    """The least that CPython can do for it: call a method, and read a slot where the count is an int in one."""
    operation, cls, *_ = name.split()
    read = "floor slot" if cls in ("SingleThreadCounter", "FastReadCounter") else "floor call"
    floors = {"value": [read], "drained": [read], "increment+value": ["floor call", read]}
    return ["floor call"] * 2 if operation == "add+reset" else floors.get(operation, ["floor call"])


headings = ["call", "counter", *IMPLEMENTATIONS, "times faster", "times the floor"]
group = Group("article", "The article's counters: compiled against original and floor", headings, rounds=150)
for call, cls in product(READS, ARTICLE):
    ours, other = (group.call(call, cls, each) for each in IMPLEMENTATIONS)
    group.row(call, cls, time(ours), time(other), ratio(other, ours), ratio(ours, *floor_of(ours)))

for name, calls in (("sizes", READS), ("add", ("add", "add_and_get", "increment_and_get", "kept"))):
    title = "Times the floor, with counts below 256, of 100,000 and of 2**60"
    group = Group(name, title, ["call", "counter", *SIZES])
    for call, cls in product(calls, CLASSES):
        if calls == READS or call == "add" or cls != "FastWriteCounter":
            names = [group.call(call, cls, size=size) for size in SIZES]
            group.row(call, cls, *(ratio(name, *floor_of(name)) for name in names))

group = Group("reset", "Resetting, and reading after it", ["call", "counter", "time", "times the floor"])
for call, cls in product(("add+reset", "value", "drained"), CLASSES):
    name = group.call(call, cls)
    group.row(call, cls, time(name), ratio(name, *floor_of(name)))

headings = ["subclass of", "with", "time", "times faster", "times the floor"]
group = Group("subclass", "increment() of a user's own subclass, against the original's", headings)
kinds = [("subclass", "a dict", "pass"), ("slotted", "slots", "__slots__ = ()")]
for cls, (kind, title, body) in product(CLASSES, kinds):
    counter = counter_at(SIZES["medium"], cls).replace(f"fastcounter.{cls}", "Own")
    setup = f"class Own(fastcounter.{cls}): {body}"
    name = group.time(f"{kind} {cls} compiled medium", "counter.increment()", counter, setup)
    original = group.call("increment", cls, "original") if cls in ARTICLE else ""
    group.row(cls, title, time(name), ratio(original, name), ratio(name, *floor_of(name)))

group = Group("creation", "Making a counter", ["counter", *IMPLEMENTATIONS, "times faster"], labels=1)
for cls in CLASSES:
    ours, other = (f"creation {cls} {each}" for each in IMPLEMENTATIONS)
    group.time(ours, f"counter({'memory' if cls == 'SharedCounter' else ''})", f"fastcounter.{cls}")
    if cls in ARTICLE:
        group.time(other, "counter()", f"pure.{cls}")
    group.row(cls, time(ours), time(other), ratio(other, ours))

headings = ["counter", "time", "times fastcounter's", "times the floor"]
group = Group("compat", "increment() with the API of the published package", headings, labels=1)
for cls, old in zip(ARTICLE, ("Counter", *ARTICLE[1:]), strict=True):
    name = group.time(f"compat {cls} compiled medium", "counter.increment()", f"compat.{old}(100_000)")
    group.row(f"compat.{old}", time(name), ratio(name, group.call("increment", cls)), ratio(name, *floor_of(name)))

group = Group("labels", "Counting by label", ["with", "time", "times the first"], labels=1)
setup = """
import collections
lock = threading.Lock()
class Labels(dict):
    def __missing__(self, label):
        return self.setdefault(label, fastcounter.FastReadCounter())
"""
item, first = "counter['index.html']", "labels FastReadCounter compiled"
for title, name, code, counter in (
    ("a dict of FastReadCounters", first, f"{item}.increment()", "Labels()"),
    ("a Counter, which loses counts", "labels Counter", f"{item} += 1", "collections.Counter()"),
    ("a dict and a lock", "labels dict", f"with lock: {item} += 1", "{'index.html': 0}"),
):
    group.row(title, time(group.time(name, code, counter, setup)), ratio(name, first))

headings = ["counter", "way", "1 thread", "2", "4", "8", "9w1r", "lost", "times faster: 2"]
group = Group("threads", "Nanoseconds an increment, by so many threads", headings, **CROWD)
group.note = "bound: by a method that each thread took once; own: a counter each; 9w1r: nine write and one reads"
for cls, implementation, way in product(ARTICLE, IMPLEMENTATIONS, ("shared", "bound", "own")):
    if (implementation, way) == ("original", "bound"):
        continue
    counter, names = counter_at("0", cls, implementation), []
    exact = cls == "FastReadCounter" or (cls, implementation) == ("FastWriteCounter", "compiled")
    how: dict[str, Any] = {"way": way, "may_lose": not exact}
    for number in (1, 2, 4, 8):
        name = f"threads {cls} {implementation} {way if number > 1 else 'shared'}-{number}"
        names.append(name if number == 1 and way != "shared" else group.crowd(name, counter, number, **how))
    if way == "shared":
        names.append(group.crowd(f"threads {cls} {implementation} 9w1r", counter, 9, reader=True, **how))
    cells = [*(time(name, unit="") for name in names), *[time("")] * (5 - len(names)), lost(names)]
    other = f"threads {cls} original {'own' if way == 'own' else 'shared'}-2"
    cells.append(ratio(other, names[1]) if implementation == "compiled" else time(""))
    group.row(cls.removesuffix("Counter"), f"{implementation}, {way}", *cells)

headings = ["counter", "1 process", "2", "4", "times faster: 1", "2"]
group = Group("processes", "An increment by so many processes, against a Value", headings, 1, **CROWD)
ours, other = "processes SharedCounter compiled", "processes multiprocessing.Value"
forked: dict[str, Any] = {"forked": True, "setup": "from os import fork"}
for title, name, counter, how in (
    ("one SharedCounter", f"{ours} one", "fastcounter.SharedCounter(memory)", {}),
    ("one each, 64 bytes apart", f"{ours} each-64", "fastcounter.SharedCounter(memory, 64 * index)", {"way": "own"}),
    ("one each, 8 bytes apart", f"{ours} each-8", "fastcounter.SharedCounter(memory, 8 * index)", {"way": "own"}),
    ("a Value with its lock", f"{other} one", "value", {"code": LOCKED, "setup": VALUE}),
):
    names = [group.crowd(f"{name}-{number}", counter, number, **(forked | how)) for number in (1, 2, 4)]
    group.row(title, *map(time, names), *(ratio(f"{other} one-{n}", f"{name}-{n}") for n in (1, 2)))

headings = ["counter", "1 thread", "2 threads", "times the throughput"]
group = Group("c-level", "Increments of one counter, called from C", headings, 1, **(CROWD | {"extension": "c_level"}))
in_c: dict[str, Any] = {"code": "c_level.increment(counter, 10_000)", "setup": "import c_level", "in_c": 10_000}
for cls in CLASSES:
    how = in_c | {"may_lose": cls == "SingleThreadCounter"}
    names = [group.crowd(f"c-level {cls} compiled threads-{n}", counter_at("0", cls), n, **how) for n in (1, 2)]
    group.row(cls, *map(time, names), ratio(*names))

group = Group("peers", "Other counters", ["counter", "increment", "times ours", "read", "times ours"], labels=1)
group.note = "ours: SharedCounter for atomicshm and Value, the class of that name for 1.1.0, else FastReadCounter"
for peer, (setup, increment, read) in PEERS.items():
    cells = []
    for call, expression in (("increment", increment), ("value", read)):
        ours = group.call(call, OURS.get(peer, "FastReadCounter"))
        name = group.time(f"peers {peer} {call}", expression, "counter", setup) if expression else ""
        cells += [time(name), ratio(name, ours)]
    group.row(peer, *cells)

group = Group("memory", "Bytes a counter, its int included", ["counter", *IMPLEMENTATIONS], 1, **(ONCE | {"rounds": 1}))
for cls in CLASSES:
    names = [f"memory {cls} {each}" for each in IMPLEMENTATIONS[: 1 + (cls in ARTICLE)]]
    for name, implementation in zip(names, IMPLEMENTATIONS, strict=False):
        counter = counter_at("2**40", cls, implementation).replace("array('q', [2**40])", "memory")
        group.contenders[name] = partial(contenders.size, counter)
    group.row(cls, *(time(name, 1, "", 0) for name in names))

headings = ["a program that does", "time", "an empty one", "times as long"]
group = Group("import", "Importing the package", headings, 1, **ONCE)
setup = "from subprocess import run; from sys import executable"
program = "run([executable, '-c', counter], check=True)"
ours = group.time("import fastcounter", program, "'import fastcounter'", setup, times=1)
other = group.time("import nothing", program, "''", setup, times=1)
group.row("import fastcounter", time(ours, 1e3, " ms"), time(other, 1e3, " ms"), ratio(ours, other))

headings = ["call", "counter", "pairs without a difference, median deviation"]
group = Group("aa", "The same code timed twice", headings, rounds=150)
pairs: list[tuple[str, str]] = []
for call, cls in [*product(READS, ARTICLE), ("add", "FastReadCounter")]:
    pairs += [(group.call(call, cls, f"{n}a-twin"), group.call(call, cls, f"{n}b-twin")) for n in range(5)]
    group.row(call, cls, twins(pairs[-5:]))
group.row("all", "", twins(pairs))
