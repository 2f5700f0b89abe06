"""Write bench/README.md, and pictures beside it: `python -m bench report FILE...`."""

import argparse
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyperf

from bench import table
from bench.calls import ARTICLE, name_of
from bench.groups import GROUPS
from bench.groups.threads import NUMBERS
from bench.results import Results, Unusable, load

SCRIPT = Path(__file__).with_name("results") / "article-3.14.json.gz"  # what bench/article.py measured
FACTS = {"compiler": "compiler", "commit": "fastcounter_commit", "arguments": "arguments"}


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench report", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="that `python -m bench -o FILE` has written")
    parser.add_argument("--directory", type=Path, default=Path(__file__).parent, help="where to write (default: bench)")
    args = parser.parse_args(argv)
    all_results = in_order(map(load, args.files))
    try:
        text = page(all_results)
        draw(pictures(all_results), args.directory)
        (args.directory / "README.md").write_text(text, encoding="utf-8")
    except (ModuleNotFoundError, OSError) as error:
        raise Unusable(f"{error}; the pictures need the extra `plot`, and a directory to write to") from error


def in_order(all_results: Iterable[Results]) -> list[Results]:
    """Return older Pythons first, each with the JIT after that without, and those without the GIL last."""
    return sorted(all_results, key=lambda each: (not each.has_gil, each.version, each.has_jit))


def page(all_results: Sequence[Results]) -> str:
    """Return the text of bench/README.md, for results in order."""
    facts = [[each.python, *(each.metadata.get(fact, "") for fact in FACTS.values())] for each in all_results]
    machines = {f"{each.machine}, {each.metadata.get('platform', 'unknown')}" for each in all_results}
    template = Path(__file__).with_name("page.md").read_text(encoding="utf-8")
    parts = [
        template.format(
            pictures=" ".join(f"![{name}]({name}.png)" for name in pictures(all_results)),
            increments=of_script("increment"),
            reads=of_script("value"),
            machines=f"{table.markup(['Python', *FACTS], facts, 'github')}\n\nMachine: {'; '.join(sorted(machines))}.",
        )
    ]
    for group in GROUPS.values():
        if tables := list(table.page(group, all_results)):
            note = table.rounds_left_out(group, all_results)
            parts += [f"**{group.title}.** {group.sentence}" + (f"\n{note}" if note else ""), *tables]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def of_script(call: str) -> str:
    """Return how many times as fast as the originals bench/article.py found the counters."""
    times = {each.get_name(): each.median() for each in pyperf.BenchmarkSuite.load(str(SCRIPT))}
    ratios = [times[name_of(call, cls, "original")] / times[name_of(call, cls)] for cls in ARTICLE]
    return "{:.1f}, {:.1f} and {:.1f}".format(*ratios)


def pictures(all_results: Sequence[Results]) -> dict[str, Results]:
    """Return the pictures and their results: the newest Python with the GIL, and the newest without it."""
    found = {}
    for results in table.without_jit(all_results):
        name, group = ("operations", "article") if results.has_gil else ("threads", "threads")
        if group in results.groups:
            found[name] = results.of(group)
    return found


def draw(found: dict[str, Results], directory: Path) -> None:
    from matplotlib.figure import Figure

    for name, results in found.items():
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.subplots()
        (draw_operations if name == "operations" else draw_threads)(axes, results)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(directory / f"{name}.png", dpi=120)


def draw_operations(axes: Any, results: Results) -> None:
    """Draw bars: the times of an increment and of a read."""
    calls = [(call, cls) for call in ("increment", "value") for cls in ARTICLE]
    for offset, implementation, color in ((-0.2, "original", "lightgrey"), (0.2, "compiled", "tab:blue")):
        times = [1e9 * statistics.median(results.times(name_of(*call, implementation))) for call in calls]
        bars = axes.barh([row + offset for row in range(len(calls))], times, 0.4, color=color, label=implementation)
        axes.bar_label(bars, [f"{time:.0f}" for time in times], padding=3)
    axes.set_yticks(range(len(calls)), [f"{cls}, {'read' if call == 'value' else call}" for call, cls in calls])
    axes.invert_yaxis()
    axes.set_title(f"Nanoseconds a call, CPython {results.python}")
    axes.legend(frameon=False)


def draw_threads(axes: Any, results: Results) -> None:
    """Draw lines: the throughput of threads that increment one counter, which is an attribute."""
    lines = {
        "FastWriteCounter": ("FastWriteCounter compiled", "tab:blue", "-"),
        "FastReadCounter": ("FastReadCounter compiled", "tab:orange", "-"),
        "SharedCounter": ("SharedCounter compiled", "tab:green", "-"),
        "original FastWriteCounter": ("FastWriteCounter original", "tab:blue", ":"),
        "original FastReadCounter": ("FastReadCounter original", "tab:orange", ":"),
        "cereggii's AtomicInt64": ("cereggii", "grey", ":"),
    }
    for label, (name, color, style) in lines.items():
        times = {number: results.time(f"threads {name} attribute-{number}") for number in NUMBERS}
        rates = {number: 1e-6 / time.value for number, time in times.items() if time}
        axes.plot(list(rates), list(rates.values()), style, color=color, marker="o", label=label)
    axes.set(xlabel="threads", xticks=NUMBERS, ylim=(0, None))
    axes.set_title(f"Million increments a second of one counter, CPython {results.python}")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
