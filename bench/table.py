"""The cells of tables: functions that find their text in results."""

import statistics
from collections.abc import Callable, Iterator, Sequence

from bench.estimate import FEWEST_PROCESSES, of_processes
from bench.results import Results

Cell = Callable[[Results], str | None]


def time(name: str, scale: float = 1e9, unit: str = " ns", digits: int = 1) -> Cell:
    """What an operation takes."""
    return lambda results: f"{results.time(name) * scale:.{digits}f}{unit}" if name in results.runs else None


def ratio(name: str, *others: str) -> Cell:
    """How many times the one is the other, or the sum of the others."""
    return lambda results: str(of_processes(ratios)) if (ratios := results.ratios(name, *others)) else None


def lost(names: Sequence[str]) -> Cell:
    """The largest share of the counts that was lost under one of these names."""
    return lambda results: f"{max(map(results.lost, names)):.0%}" if names[0] in results.runs else None


def twins(pairs: Sequence[tuple[str, str]]) -> Cell:
    """In how many of the pairs no difference was found, and how far from 1 they are."""

    def text(results: Results) -> str | None:
        found = [of_processes(ratios) for ratios in (results.ratios(*pair) for pair in pairs) if ratios]
        deviation = statistics.median([abs(each.value - 1) for each in found] or [0])
        same = sum(each.low <= 1 <= each.high for each in found)
        return f"{same} of {len(found)}, {deviation:.2%}" if found else None

    return text


def remarks(results: Results) -> Iterator[str]:
    """What the figures are, and how noisy the machine was."""
    shown = "95 % interval" if results.processes >= FEWEST_PROCESSES else "their range, as they are few"
    yield f"Medians of {results.processes} processes [{shown}]; where it holds 1, no difference was found."
    if twins := results.ratios("floor twin", "floor call"):
        call, slot = (results.time(name) * 1e9 for name in ("floor call", "floor slot"))
        yield f"The floor: calling a compiled method that does nothing, {call:.1f} ns; reading a slot, {slot:.1f} ns."
        percent, low, high = (100 * (each - 1) for each in of_processes(twins))
        yield f"Noise: the same call timed twice differs by {percent:+.1f} % [{low:+.1f}, {high:+.1f}]."
