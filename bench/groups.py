"""What is measured, in groups that are timed together, and the tables of the results.

A benchmark's name says all about it: OPERATION CLASS IMPLEMENTATION COUNT, as in "increment FastReadCounter compiled
medium".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any

from bench import contenders
from bench.contenders import Block
from bench.peers import LOCKED, OURS, PEERS, VALUE
from bench.table import Cell, difference, lost, ratio, time, twins

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

SLOTS = "__slots__ = ()"
TWINS = 5  # pairs of each call


# How groups are timed that do not consist of statements.
CROWD: dict[str, Any] = {"rounds": 10, "seconds": 0.01, "extension": None}
ONCE: dict[str, Any] = {"rounds": 20, "seconds": 0, "extension": None}


@dataclass
class Group:
    """What is timed together, and how it is shown."""

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
        if self.extension == "floor":
            self.time("floor call", "counter.method()", "floor.Floor()", "import floor")
            self.time("floor twin", "counter.method()", "floor.Floor()", "import floor")
            self.time("floor slot", "counter.value", "Slot(100_000)")

    def time(self, name: str, code: str, counter: str, setup: str = "", fresh: bool = False, slower: int = 0) -> str:
        """Add a statement, and return its name."""
        self.contenders[name] = partial(contenders.statement, code, counter, setup, fresh, slower)
        return name

    def call(self, operation: str, cls: str, implementation: str = "compiled", size: str = "medium", **how: Any) -> str:
        """Add a call of a counter's, and return its name."""
        code = CALLS[operation][0].replace("value", "value()" if cls == "FastWriteCounter" else "value")
        counter = counter_at(SIZES[size], cls, implementation)
        if operation == "drained":
            counter = f"drained({counter})"
        return self.time(f"{operation} {cls} {implementation} {size}", code, counter, fresh=size == "small", **how)

    def row(self, *cells: str | Cell) -> None:
        self.rows.append(list(cells))


def counter_at(count: str, cls: str, implementation: str = "compiled") -> str:
    """The expression for a counter that stands at this count."""
    if implementation == "original":
        return f"at({count}, pure.{cls}())"
    return f"fastcounter.{cls}(array('q', [{count}]))" if cls == "SharedCounter" else f"fastcounter.{cls}({count})"


def floor_of(name: str) -> list[str]:
    """The least that CPython can do for it: call a method, and read a slot where the count is an attribute."""
    operation, cls, *_ = name.split()
    read = "floor slot" if cls in ("SingleThreadCounter", "FastReadCounter") else "floor call"
    floors = {"increment+value": ["floor call", read], "add+reset": ["floor call"] * 2}
    return [read] if operation in ("value", "drained") else floors.get(operation, ["floor call"])


def times_floor(name: str) -> Cell:
    return ratio(name, *floor_of(name))


def article() -> Group:
    headings = ["call", "counter", *IMPLEMENTATIONS, "times faster", "times the floor"]
    group = Group("The article's counters: compiled against original, and against the floor", headings, rounds=150)
    for operation, cls in product(READS, ARTICLE):
        compiled, original = (group.call(operation, cls, each) for each in IMPLEMENTATIONS)
        cells = time(compiled), time(original), ratio(original, compiled), times_floor(compiled)
        group.row(CALLS[operation][1], cls, *cells)
    return group


def sizes() -> Group:
    group = Group("Times the floor, with counts below 256, of 100,000 and of 2**60", ["call", "counter", *SIZES])
    for operation, cls in product(READS, CLASSES):
        group.row(CALLS[operation][1], cls, *(times_floor(group.call(operation, cls, size=size)) for size in SIZES))
    return group


def add() -> Group:
    headings = ["call", "counter", "time", *SIZES]
    group = Group("Adding: the time at 100,000, and times the floor with counts as in `sizes`", headings)
    for operation, cls in product(("add", "add_and_get", "increment_and_get", "kept"), CLASSES):
        if operation == "add" or cls != "FastWriteCounter":
            names = [group.call(operation, cls, size=size) for size in SIZES]
            group.row(CALLS[operation][1], cls, time(names[1]), *map(times_floor, names))
    return group


def reset() -> Group:
    group = Group("Resetting, and reading after it", ["call", "counter", "time", "times the floor"])
    for operation, cls in product(("add+reset", "value", "drained"), CLASSES):
        name = group.call(operation, cls)
        group.row(CALLS[operation][1], cls, time(name), times_floor(name))
    return group


def subclass() -> Group:
    headings = ["subclass of", "with", "time", "times faster", "times the floor"]
    group = Group("increment() of a user's own subclass, against the original's", headings)
    for cls, (kind, title, body) in product(CLASSES, (("subclass", "a dict", "pass"), ("slotted", "slots", SLOTS))):
        own = counter_at(SIZES["medium"], cls).replace(f"fastcounter.{cls}", "Own")
        setup = f"class Own(fastcounter.{cls}): {body}"
        name = group.time(f"{kind} {cls} compiled medium", "counter.increment()", own, setup)
        original = group.call("increment", cls, "original") if cls in ARTICLE else ""
        group.row(cls, title, time(name), ratio(original, name), times_floor(name))
    return group


def creation() -> Group:
    group = Group("Making a counter", ["counter", *IMPLEMENTATIONS, "times faster"], labels=1)
    for cls in CLASSES:
        compiled, original = (f"creation {cls} {each}" for each in IMPLEMENTATIONS)
        group.time(compiled, f"counter({'memory' if cls == 'SharedCounter' else ''})", f"fastcounter.{cls}")
        if cls in ARTICLE:
            group.time(original, "counter()", f"pure.{cls}")
        group.row(cls, time(compiled), time(original), ratio(original, compiled))
    return group


def compat() -> Group:
    headings = ["counter", "time", "times fastcounter's", "times the floor"]
    group = Group("increment() with the API of the published package", headings, labels=1)
    for cls, old in zip(ARTICLE, ("Counter", *ARTICLE[1:]), strict=True):
        ours, name = group.call("increment", cls), f"compat {cls} compiled medium"
        group.time(name, "counter.increment()", f"compat.{old}(100_000)")
        group.row(f"compat.{old}", time(name), ratio(name, ours), times_floor(name))
    return group


def labels() -> Group:
    group = Group("Counting by label", ["with", "time", "times the first"], labels=1)
    key, ours = "counter['index.html']", "labels FastReadCounter compiled"
    group.time(ours, f"{key}.increment()", "Labels(fastcounter.FastReadCounter)")
    group.time("labels collections.Counter", f"{key} += 1", "Counter()", "from collections import Counter")
    locked = "import threading; lock = threading.Lock()"
    group.time("labels dict and lock", f"with lock: {key} += 1", "{'index.html': 0}", locked)
    titles = "a dict of FastReadCounters", "collections.Counter, which loses counts", "a dict and a lock"
    for title, name in zip(titles, list(group.contenders)[-3:], strict=True):
        group.row(title, time(name), ratio(name, ours))
    return group


def threads() -> Group:
    headings = ["counter", "way", "1 thread", "2", "4", "8", "9w1r", "lost", "times faster: 2"]
    group = Group("Nanoseconds an increment, by so many threads", headings, **CROWD)
    group.note = (
        "shared: one counter; bound: by a method that each thread has taken once; own: a counter each; 9w1r: nine\n"
        "threads increment and one reads; lost: at most; times faster: than the original, with two threads."
    )
    for cls, implementation, way in product(ARTICLE, IMPLEMENTATIONS, ("shared", "bound", "own")):
        if (implementation, way) == ("original", "bound"):
            continue
        prefix, original = f"threads {cls} {implementation}", f"threads {cls} original"
        names = {f"{prefix} {way if number > 1 else 'shared'}-{number}": number for number in (1, 2, 4, 8)}
        names |= {f"{prefix} 9w1r": 9} if way == "shared" else {}
        for name, number in names.items():
            counter, may_lose = counter_at("0", cls, implementation), cls == "SingleThreadCounter"
            how: dict[str, Any] = {"own": way == "own", "bound": way == "bound", "reader": number == 9}
            if name not in group.contenders:
                group.contenders[name] = partial(contenders.crowd, counter, number, may_lose=may_lose, **how)
        faster = ratio(f"{original} {'own' if way == 'own' else 'shared'}-2", f"{prefix} {way}-2")
        times = [*(time(name, unit="") for name in names), *[lambda _: None] * (5 - len(names))]
        group.row(cls.removesuffix("Counter"), f"{implementation}, {way}", *times, lost(list(names)), faster if prefix != original else "")
    return group


def processes() -> Group:
    headings = ["counter", "1 process", "2", "4", "times faster than a Value: 1", "2"]
    group = Group("An increment by so many processes", headings, labels=1, **CROWD)
    ours, value = "processes SharedCounter compiled", "processes multiprocessing.Value one"
    for prefix, title, counter in (
        (f"{ours} one", "one SharedCounter", "fastcounter.SharedCounter(memory)"),
        (f"{ours} each-64", "each its own, 64 bytes apart", "fastcounter.SharedCounter(memory, 64 * index)"),
        (f"{ours} each-8", "each its own, 8 bytes apart", "fastcounter.SharedCounter(memory, 8 * index)"),
        (value, "a Value with its lock", "value"),
    ):
        names = {number: f"{prefix}-{number}" for number in (1, 2, 4)}
        how: dict[str, Any] = {"code": LOCKED, "setup": VALUE} if counter == "value" else {"own": "index" in counter}
        for number, name in names.items():
            call = partial(contenders.crowd, counter, number, forked=True, **how)
            group.contenders[name] = call
        group.row(title, *map(time, names.values()), *(ratio(f"{value}-{each}", names[each]) for each in (1, 2)))
    return group


def c_level() -> Group:
    headings = ["counter", "1 thread", "2 threads", "times the throughput"]
    group = Group("Increments of one counter, called from C", headings, labels=1, **(CROWD | {"extension": "c_level"}))
    for cls in CLASSES:
        names = [f"c-level {cls} compiled threads-{number}" for number in (1, 2)]
        for number, name in enumerate(names, 1):
            how: dict[str, Any] = {
                "code": "c_level.increment(counter, 10_000)",
                "calls": 1,
                "in_c": 10_000,
                "setup": "import c_level",
            }
            may_lose = cls == "SingleThreadCounter"
            group.contenders[name] = partial(contenders.crowd, counter_at("0", cls), number, may_lose=may_lose, **how)
        group.row(cls, *map(time, names), ratio(*names))
    return group


def peers() -> Group:
    group = Group("Other counters", ["counter", "increment", "times ours", "read", "times ours"], labels=1)
    group.note = "ours: SharedCounter for atomicshm and Value, our class of the name for 1.1.0's, else FastReadCounter."
    for peer, (setup, increment, read) in PEERS.items():
        cells = []
        for operation, code in (("increment", increment), ("value", read)):
            name, ours = f"peers {peer} {operation}", group.call(operation, OURS.get(peer, "FastReadCounter"))
            if code:
                group.time(name, code, "counter", setup)
            cells += [time(name), ratio(name, ours)]
        group.row(peer, *cells)
    return group


def memory() -> Group:
    group = Group(
        "Bytes a counter, its int included", ["counter", *IMPLEMENTATIONS], labels=1, **(ONCE | {"rounds": 1})
    )
    for cls in CLASSES:
        names = {each: f"memory {cls} {each}" for each in IMPLEMENTATIONS[: 1 + (cls in ARTICLE)]}
        for implementation, name in names.items():
            shared = cls == "SharedCounter"
            counter = "fastcounter.SharedCounter(memory)" if shared else counter_at("2**40", cls, implementation)
            group.contenders[name] = partial(contenders.size, counter)
        group.row(cls, *(time(name, 1, "", 0) for name in names.values()))
    return group


def imports() -> Group:
    headings = ["a program that does", "time", "an empty one", "difference, ms"]
    group = Group("Importing the package", headings, labels=1, **ONCE)
    package, nothing = "import fastcounter", "import nothing"
    group.contenders = {package: partial(contenders.program, package), nothing: partial(contenders.program, "pass")}
    group.row(package, time(package, 1e3, " ms"), time(nothing, 1e3, " ms"), difference(package, nothing))
    return group


def aa(slower: int = 0) -> Group:
    """The same code twice, where the first may be made slower by so many percent."""
    headings = ["call", "counter", "interval holds 1", "first is slower", "median deviation", "largest"]
    group = Group("The same code timed twice", headings, rounds=150)
    pairs: list[tuple[str, str]] = []
    for operation, cls in [*product(READS, ARTICLE), ("add", "FastReadCounter")]:
        for number in range(1, TWINS + 1):
            one = group.call(operation, cls, f"twin-{number}a", slower=slower)
            pairs.append((one, group.call(operation, cls, f"twin-{number}b")))
        group.row(CALLS[operation][1], cls, *twins(pairs[-TWINS:]))
    group.row("all", "", *twins(pairs))
    return group


GROUPS = {
    "article": article(),
    "sizes": sizes(),
    "add": add(),
    "reset": reset(),
    "subclass": subclass(),
    "creation": creation(),
    "compat": compat(),
    "labels": labels(),
    "threads": threads(),
    "processes": processes(),
    "c-level": c_level(),
    "peers": peers(),
    "memory": memory(),
    "import": imports(),
    "aa": aa(),
}
