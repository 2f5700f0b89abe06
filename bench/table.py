"""The cells of tables: functions that find their text in results."""

import statistics
from collections.abc import Callable, Iterator, Sequence

from bench.estimate import FEWEST_PROCESSES, Estimate, of_processes
from bench.results import Results

Cell = Callable[[Results], str | None]


def time(name: str, scale: float = 1e9, unit: str = " ns", digits: int = 1) -> Cell:
    """What an operation takes."""
    return lambda results: f"{results.time(name) * scale:.{digits}f}{unit}" if name in results.runs else None


def interval(values: Sequence[float]) -> str | None:
    return str(of_processes(values)) if values else None


def ratio(name: str, *others: str) -> Cell:
    """How many times the one is the other, or the sum of the others."""
    return lambda results: interval(results.ratios(name, *others))


def lost(names: Sequence[str]) -> Cell:
    """The largest share of the counts that was lost under one of these names."""
    return lambda results: f"{max(map(results.lost, names)):.0%}" if names[0] in results.runs else None


def twins(pairs: Sequence[tuple[str, str]]) -> list[Cell]:
    """In how many pairs no difference was found, and how far from 1 they are."""

    def estimates(results: Results) -> list[Estimate]:
        return [of_processes(ratios) for ratios in (results.ratios(*pair) for pair in pairs) if ratios]

    def same(results: Results) -> str:
        found = estimates(results)
        return f"{sum(each.low <= 1 <= each.high for each in found)} of {len(found)}" if found else ""

    def deviation(results: Results) -> str:
        deviations = [abs(each.value - 1) for each in estimates(results)]
        return f"{statistics.median(deviations):.2%}" if deviations else ""

    return [same, deviation]


def remarks(results: Results) -> Iterator[str]:
    """What the figures are, and how noisy the machine was."""
    shown = "95 % interval" if results.processes >= FEWEST_PROCESSES else "their range, as they are few"
    yield f"Medians of {results.processes} processes [{shown}]; where it holds 1, no difference was found."
    if twin := interval(results.ratios("floor twin", "floor call")):
        call, slot = (results.time(name) * 1e9 for name in ("floor call", "floor slot"))
        yield f"The floor: calling a compiled method that does nothing, {call:.1f} ns; reading a slot, {slot:.1f} ns."
        yield f"Noise: the same call, timed as two, differs {twin} times."
