"""A group of benchmarks, which are timed together, and the rows of its table."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from bench.blocks import Block, Statement
from bench.calls import code_of, counter_of, floor_of, name_of
from bench.concurrent import Concurrent

GROUPS: dict[str, "Group"] = {}


class Row(NamedTuple):
    label: str
    times: tuple[str, ...]  # the benchmarks whose times are shown; an empty name leaves a cell empty
    ratios: tuple[tuple[str, ...], ...]  # in each, the first benchmark's time over the sum of the others'


class Group:
    def __init__(
        self,
        name: str,
        title: str,
        sentence: str,  # says what the table shows
        times: Sequence[str] = ("time",),  # headings of the columns with times
        ratios: Sequence[str] = (),  # headings of the columns with ratios
        rounds: int = 50,
        seconds: float = 0.000_3,  # the length of a block
        extension: str | None = "floor",  # a .pyx file that has to be compiled
        without_gil: bool = False,  # with the GIL, `all` skips this group
        takes: float = 1.5,  # about so many seconds for a process
    ) -> None:
        self.name, self.title, self.sentence, self.times, self.ratios = name, title, sentence, times, ratios
        self.rounds, self.seconds, self.takes = rounds, seconds, takes
        self.extension, self.without_gil = extension, without_gil
        self.benchmarks: dict[str, partial[Any]] = {}  # each makes a block
        self.rows: list[Row] = []
        GROUPS[name] = self
        if extension == "floor":
            self.statement("floor call", "counter.method()", "floor.Floor()", "import floor")
            self.statement("floor again", "counter.method()", "floor.Floor()", "import floor")
            self.statement("floor slot", "counter.value", "starting_at(100_000, Slot())")

    def add(self, name: str, kind: type[Block], *what: Any, **how: Any) -> str:
        """Add a benchmark, which each process that measures makes for itself.  Return the name."""
        self.benchmarks[name] = partial(kind, *what, **how)
        return name

    def statement(
        self, name: str, code: str, counter: str = "counter", setup: str | Callable[[], Any] = "", **how: Any
    ) -> str:
        """Add a statement that uses `counter`, an expression that is evaluated after the setup.  Return the name."""
        return self.add(name, Statement, code, counter, setup, **how)

    def call(
        self, call: str, cls: str, implementation: str = "compiled", count: str = "medium", name: str = "", **how: Any
    ) -> str:
        """Add a call of a counter's method or a read of its attribute.  Return the name."""
        name = name or name_of(call, cls, implementation, count)
        how |= {"ours": implementation == "compiled", "floor": floor_of(call, cls), "fresh": count == "small"}
        counter = counter_of(cls, implementation, count)
        counter = f"after_reset({counter})" if call == "value-after-reset" else counter
        return self.statement(name, code_of(call, cls), counter, **how)

    def concurrent(
        self, name: str, code: str, counter: str, numbers: Sequence[int], reader: str = "", **how: Any
    ) -> list[str]:
        """Add a statement that so many threads or processes run at the same time, for each number.  Return the names.

        With code of a `reader`, one more reads meanwhile.
        """
        beside = "-and-a-reader" if reader else ""
        return [self.add(f"{name}-{n}{beside}", Concurrent, code, counter, n, reader=reader, **how) for n in numbers]

    def row(self, label: str, times: str | Sequence[str], *ratios: tuple[str, ...]) -> None:
        """Add a row: these benchmarks' times, and for each tuple the first one's time over the sum of the others'."""
        self.rows.append(Row(label, (times,) if isinstance(times, str) else tuple(times), ratios))

    def compare(self, label: str, name: str, *others: str) -> None:
        """Add a row: a benchmark's time, and that over the sum of the others', or of its floor if none are named."""
        self.row(label, name, (name, *(others or self.benchmarks[name].keywords["floor"])))
