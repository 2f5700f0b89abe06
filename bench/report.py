"""Write bench/README.md and its pictures: `python -m bench report FILE...`."""

import argparse
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench import table
from bench.groups import ARTICLE, GROUPS
from bench.results import Results, Unreadable, load

PICTURES = {"operations.png": "Increments and reads", "threads.png": "Threads that increment one counter"}

PAGE = """\
# Figures

Written by `python -m bench report bench/results/*.json.gz`, from the files there.

{pictures}

## How it is measured

One process times everything that is compared in turns: blocks of about 0.3 ms, each a run of the same statement 200
times in a row, in an order that is shuffled anew in each round. A process gives one ratio, the median over its rounds
of the ratio within a round. A figure is the median over the processes, and in brackets a 95 % interval whose ends are
results of processes too: with 12 of them the third lowest and the third highest, which enclose the true median with a
probability of 96 %. So no process is left out, and one that is far off moves no figure but makes its interval wider.
Where an interval holds 1, no difference was found. After Kalibera and Jones, *Rigorous Benchmarking in Reasonable Time*
(2013); the random order is that of google/benchmark.

The floor is the least that CPython can do: a call of a compiled method that does nothing or, where the count is an
attribute, a read of a slot; for two steps it is the sum of two. `python -m bench aa` times the same code twice, and
should find no difference.

{machines}

Each file is made by `python -m bench ARGUMENTS -o FILE`, with the arguments above, and is one of pyperf's:
`python -m pyperf stats FILE` and its other commands read it. `python -m bench compare OLD NEW` shows what has changed.
"""


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench report", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="results that `python -m bench -o FILE` has written")
    parser.add_argument("--directory", type=Path, default=Path(__file__).parent, help="where to (default: bench/)")
    args = parser.parse_args(argv)
    all_results = [load(file) for file in args.files]
    if not importlib.util.find_spec("matplotlib"):
        raise Unreadable("the pictures need matplotlib, which is in the extra `plot`")
    try:
        draw(all_results, args.directory)
        (args.directory / "README.md").write_text(page(all_results), encoding="utf-8")
    except OSError as error:
        raise Unreadable(f"{args.directory} cannot be written to: {error.strerror}") from error


def page(all_results: Sequence[Results]) -> str:
    """The Markdown text."""
    all_results = sorted(all_results, key=version)
    machines = [
        [each.python, each.machine, each.metadata["platform"], each.metadata["compiler"], each.package, each.arguments]
        for each in all_results
    ]
    headings = ["Python", "processor", "platform", "Python's compiler", "package", "arguments"]
    parts = [
        PAGE.format(
            pictures="\n\n".join(f"![{PICTURES[name]}]({name})" for name in pictures(all_results)),
            machines=tabulate(machines, headings, tablefmt="github", disable_numparse=True),
        )
    ]
    for name, group in GROUPS.items():
        if text := table.as_markdown(group, [results.of(name) for results in all_results]):
            note = group.note and f"\n\n{group.note}"
            parts.append(f"## {group.title}\n\n`python -m bench {name}`\n\n{text}{note}\n")
    return "\n".join(parts)


def version(results: Results) -> tuple[int, ...]:
    return tuple(map(int, results.python.rstrip("t").split(".")[:2]))


def pictures(all_results: Sequence[Results]) -> dict[str, Results]:
    """Which pictures there are, and whose: of the newest Python, and of one without the GIL."""
    found = {}
    for results in sorted(all_results, key=version):
        if "article" in results.groups and not results.python.endswith("t"):
            found["operations.png"] = results
        if "threads" in results.groups and results.python.endswith("t"):
            found["threads.png"] = results
    return found


def draw(all_results: Sequence[Results], directory: Path) -> None:
    from matplotlib.figure import Figure

    for name, results in pictures(all_results).items():
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.subplots()
        (operations if name == "operations.png" else threads)(axes, results)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        figure.savefig(directory / name, dpi=120)


def operations(axes: Any, results: Results) -> None:
    """Bars of what an increment and a read take."""
    calls = [f"{operation} {cls}" for operation in ("increment", "value") for cls in ARTICLE]
    for offset, implementation, color in ((-0.2, "original", "#b8c4ce"), (0.2, "compiled", "#1b6ca8")):
        times = [results.of("article").time(f"{call} {implementation} medium") * 1e9 for call in calls]
        bars = axes.barh([index + offset for index in range(len(calls))], times, 0.4, color=color, label=implementation)
        axes.bar_label(bars, [f"{time:.0f}" for time in times], padding=3)
    axes.set_yticks(
        range(len(calls)), [f"{call.split()[1]}: {call.split()[0].replace('value', 'read')}" for call in calls]
    )
    axes.invert_yaxis()
    axes.set_title(f"Nanoseconds a call, CPython {results.python}")


def threads(axes: Any, results: Results) -> None:
    """Lines of how many increments threads do together."""
    numbers = (1, 2, 4, 8)
    for cls, color in (("FastWriteCounter", "#1b6ca8"), ("FastReadCounter", "#d1662b")):
        for way, style in (("bound", "-"), ("shared", "--")):
            names = [f"threads {cls} compiled {way if number > 1 else 'shared'}-{number}" for number in numbers]
            rates = [1e-6 / results.of("threads").time(name) for name in names]
            label = f"{cls}, {'method taken once' if way == 'bound' else 'counter.increment()'}"
            axes.plot(numbers, rates, style, color=color, marker="o", label=label)
    axes.set(xlabel="threads", xticks=numbers, ylim=(0, None))
    axes.set_title(f"Million increments a second of one counter, CPython {results.python}, without the GIL")
