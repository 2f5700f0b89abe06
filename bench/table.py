"""Tables of results: rows of labels, and of cells, which are functions that find their text in results."""

import itertools
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tabulate import tabulate

from bench.estimate import FEWEST_PROCESSES, Estimate, of_processes
from bench.results import Results

if TYPE_CHECKING:
    from bench.groups import Group

Cell = Callable[[Results], str | None]


def interval(values: Sequence[float]) -> str | None:
    return str(of_processes(values)) if values else None


def time(name: str, scale: float = 1e9, unit: str = " ns", digits: int = 1) -> Cell:
    """What an operation takes."""
    return lambda results: f"{results.time(name) * scale:.{digits}f}{unit}" if name in results.runs else None


def ratio(name: str, *others: str) -> Cell:
    """How many times the one is the other, or the sum of the others."""
    return lambda results: interval(results.ratios(name, *others))


def difference(name: str, other: str) -> Cell:
    """How many milliseconds more the one takes than the other."""
    return lambda results: interval(results.within_rounds(lambda one, two: (one - two) * 1e3, name, other))


def lost(names: Sequence[str]) -> Cell:
    """The largest share of the counts that was lost under one of these names."""
    return lambda results: f"{max(map(results.lost, names)):.0%}" if names[0] in results.runs else None


def together(pairs: Sequence[tuple[str, str]], show: Callable[[list[Estimate]], str]) -> Cell:
    """What several ratios say together."""

    def text(results: Results) -> str | None:
        ratios = [results.ratios(*pair) for pair in pairs]
        return show([of_processes(each) for each in ratios]) if all(ratios) else None

    return text


def deviations(estimates: Sequence[Estimate]) -> list[float]:
    return [abs(each.value - 1) for each in estimates]


def twins(pairs: Sequence[tuple[str, str]]) -> list[Cell]:
    """Of how many pairs the interval holds 1, of how many the first is slower, and how far they are from 1."""
    return [
        together(pairs, lambda found: f"{sum(each.low <= 1 <= each.high for each in found)} of {len(found)}"),
        together(pairs, lambda found: f"{sum(each.low > 1 for each in found)} of {len(found)}"),
        together(pairs, lambda found: f"{statistics.median(deviations(found)):.2%}"),
        together(pairs, lambda found: f"{max(deviations(found)):.2%}"),
    ]


def rows(group: "Group", all_results: Sequence[Results]) -> Iterator[tuple[Results, list[str]]]:
    """The rows of a group's table that there is something for, from each of the results."""
    for row in group.rows:
        for results in all_results:
            texts = [cell if isinstance(cell, str) else cell(results) for cell in row]
            if any(texts[group.labels :]):
                yield results, [text or "-" for text in texts]


def as_text(group: "Group", results: Results) -> str | None:
    """A group's table, with a label only where it changes."""
    body = [texts for _, texts in rows(group, [results])]
    for above, below in list(itertools.pairwise(body))[::-1]:
        below[0] = "" if below[0] == above[0] else below[0]
    table = tabulate(body, group.headings, disable_numparse=True)
    return "\n".join(filter(None, [group.title + "\n", table, group.note])) if body else None


def as_markdown(group: "Group", all_results: Sequence[Results]) -> str | None:
    """A group's table from all results, with a column for the Python."""
    labels = group.labels
    body = [[*texts[:labels], results.python, *texts[labels:]] for results, texts in rows(group, all_results)]
    headings = [*group.headings[:labels], "Python", *group.headings[labels:]]
    return tabulate(body, headings, tablefmt="github", disable_numparse=True) if body else None


def remarks(results: Results) -> Iterator[str]:
    """What the figures are, and how noisy the machine was."""
    if "floor call" in results.runs:
        call, slot = (results.time(name) * 1e9 for name in ("floor call", "floor slot"))
        yield f"The floor: calling a compiled method that does nothing, {call:.1f} ns; reading a slot, {slot:.1f} ns."
    shown = "95 % interval" if results.processes >= FEWEST_PROCESSES else "their range, as they are few"
    yield f"Medians of {results.processes} processes [{shown}]; where it holds 1, no difference was found."
    twin = interval(results.ratios("floor twin", "floor call"))
    same = f"the same call timed twice differs {twin} times; " if twin else ""
    yield f"Noise: {same}{results.slow_share():.0%} of blocks took 10 % longer than usual."
