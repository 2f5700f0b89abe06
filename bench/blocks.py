"""Blocks, which are timed alternately: a statement many times in a row, or the memory of many counters.

Counters are given as expressions, so a process imports only what it times.  It raises ImportError for a package that is
not installed.
"""

import tracemalloc
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from bench.calls import SETUP, UNROLLED


def namespace(setup: str = "") -> dict[str, Any]:
    """Return the names that code may use, after running `setup`."""
    names: dict[str, Any] = {"perf_counter": perf_counter}
    exec(SETUP + setup, names)
    return names


class Block:
    """Code that is timed as a whole."""

    operations = 1  # in a loop
    loops = 1

    def __init__(self, ours: bool = False, floor: Sequence[str] = ()) -> None:
        """`ours` says whether this times fastcounter, and `floor` names what it is compared with in other runs too.

        The sum of the floor's benchmarks is the least that CPython can do instead.
        """
        self.metadata: dict[str, Any] = {"ours": ours}  # of the results
        if floor:
            self.metadata["floor"] = " + ".join(floor)

    def measure(self, loops: int) -> float:
        """Return the seconds that so many loops take."""
        raise NotImplementedError

    def calibrate(self, seconds: float) -> None:
        """Choose the number of loops that takes about so long.  This warms up too: CPython specializes the code."""
        while (spent := min(self.measure(self.loops) for _ in range(3))) < seconds / 2:
            self.loops *= 2
        self.loops = max(1, round(self.loops * seconds / spent))

    def time(self) -> float:
        """Return the seconds an operation takes."""
        return self.measure(self.loops) / (self.loops * self.operations)


class Statement(Block):
    """A statement, `times` in a row.  Each block has a new `counter`, and with `fresh` each loop."""

    def __init__(
        self,
        code: str,
        counter: str,
        setup: str | Callable[[], Any] = "",  # code, or a function that makes what the code calls `counter`
        fresh: bool = False,
        times: int = UNROLLED,
        slower: int = 0,  # a deliberate slow-down: so many percent of the statements run, but are not counted
        **facts: Any,
    ) -> None:
        super().__init__(**facts)
        names = namespace(setup) if isinstance(setup, str) else namespace() | {"counter": setup()}
        lines = ["def block(counters):", "    start = perf_counter()", "    for counter in counters:"]
        lines += [f"        {code}"] * (times * (100 + slower) // 100)
        exec("\n".join([*lines, "    return perf_counter() - start"]), names)
        self.block, self.fresh, self.operations = names["block"], fresh, times
        self.make = eval(f"lambda: {counter}", names)

    def measure(self, loops: int) -> float:
        return float(self.block([self.make() for _ in range(loops)] if self.fresh else [self.make()] * loops))


class Bytes(Block):
    """A number of bytes."""

    def __init__(self, count: Callable[[], float], **facts: Any) -> None:
        super().__init__(**facts)
        self.metadata["unit"] = "byte"
        self.count = count

    def calibrate(self, seconds: float) -> None:
        self.measure(1)

    def measure(self, loops: int) -> float:
        return self.count()


class Memory(Bytes):
    """The bytes of a counter, with its int."""

    operations = 1000

    def __init__(self, counter: str, **facts: Any) -> None:
        super().__init__(self.used, **facts)
        self.make = eval(f"lambda: {counter}", namespace())

    def used(self) -> float:
        labels = [str(number) for number in range(self.operations)]
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        made = self.fill(labels)
        used = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        del made  # it had to live until now
        return used

    def fill(self, labels: list[Any]) -> Any:
        """Put a counter in the place of each label, and return them all."""
        for index in range(len(labels)):
            labels[index] = counter = self.make()
            counter.increment()
        return labels


class LabelMemory(Memory):
    """The bytes of a label in a map of 10,000 labels, with its int but without the label itself."""

    operations = 10_000

    def __init__(self, counter: str, code: str, **facts: Any) -> None:
        super().__init__(counter, **facts)
        self.add = eval(f"lambda counter, label: {code}", namespace())

    def fill(self, labels: list[Any]) -> Any:
        counter = self.make()
        for label in labels:
            self.add(counter, label)
        return counter
