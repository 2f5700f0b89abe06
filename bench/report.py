"""Write bench/README.md, and pictures beside it: `python -m bench report FILE...`."""

import argparse
import re
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyperf

from bench import table
from bench.calls import ARTICLE, LABELS, name_of
from bench.groups import GROUPS
from bench.groups.threads import NUMBERS
from bench.results import Results, Unusable, load

SCRIPT = Path(__file__).with_name("results") / "article-3.14.json.gz"  # what bench/article.py measured
SHOWN = {
    "operations": "Times of increment and read, compiled and original",
    "threads": "Increments a second by threads of one counter",
}
BACKGROUND = "whitesmoke"  # opaque, so that black text can be read on a dark page too
COLORS = {"original": "darkgrey", "compiled": "tab:blue"}
SPACE_IN_INTERVAL = re.compile(r"(\[[\d.,]+,) (?=[\d.,]+\])")
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
            pictures="\n\n".join(
                f"![{SHOWN[name]}, on CPython {results.short}]({name}.svg)"
                for name, results in pictures(all_results).items()
            ),
            increments=of_script("increment"),
            reads=of_script("value"),
            machines=f"{table.markup(['Python', *FACTS], facts, 'github')}\n\nMachine: {'; '.join(sorted(machines))}.",
        )
    ]
    for group in GROUPS.values():
        if tables := list(table.page(group, all_results)):
            note = table.rounds_left_out(group, all_results)
            parts += [f"**{group.title}.** {group.sentence}" + (f"\n{note}" if note else ""), *tables]
    text = "\n\n".join(part.strip() for part in parts) + "\n"
    return SPACE_IN_INTERVAL.sub("\\1\N{NO-BREAK SPACE}", text)  # a narrow column does not break an interval


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
    """Draw the charts: five inches wide, so that a phone shows their text almost in its size."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # Without a date and with this salt for ids, the same results give the same bytes.
    with rc_context({"font.size": 12, "savefig.pad_inches": 0.15, "svg.hashsalt": "fastcounter"}):
        for name, results in found.items():
            figure = Figure(figsize=(5, 4.8), layout="constrained", facecolor=BACKGROUND)
            (draw_operations if name == "operations" else draw_threads)(figure, results)
            for axes in figure.axes:
                axes.set_facecolor("none")
                axes.spines[["top", "right"]].set_visible(False)
            figure.savefig(directory / f"{name}.svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})


def draw_operations(figure: Any, results: Results) -> None:
    """Draw bars: the times of an increment and of a read."""
    figure.suptitle(f"Nanoseconds a call, CPython {results.python}")
    for axes, call in zip(figure.subplots(2, sharex=True), ("increment", "value"), strict=True):
        for offset, (implementation, color) in zip((-0.2, 0.2), COLORS.items(), strict=True):
            times = [1e9 * statistics.median(results.times(name_of(call, cls, implementation))) for cls in ARTICLE]
            places = [row + offset for row in range(len(ARTICLE))]
            bars = axes.barh(places, times, 0.4, color=color, label=implementation)
            axes.bar_label(bars, [f"{time:.0f}" for time in times], padding=3)
        axes.set_yticks(range(len(ARTICLE)), ARTICLE)
        axes.invert_yaxis()
        axes.set_title(LABELS[call], loc="left", fontsize="medium")
        axes.xaxis.set_visible(False)  # each bar has its number
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(left=False)
    figure.axes[0].legend(frameon=False)


def draw_threads(figure: Any, results: Results) -> None:
    """Draw lines: the throughput of threads that increment one counter, which is an attribute."""
    figure.suptitle(f"Million increments a second\nof one counter, CPython {results.python}")
    lines = {
        "FastWriteCounter": ("FastWriteCounter compiled", "tab:blue", "-"),
        "FastReadCounter": ("FastReadCounter compiled", "tab:orange", "-"),
        "SharedCounter": ("SharedCounter compiled", "tab:green", "-"),
        "original FastWriteCounter": ("FastWriteCounter original", "tab:blue", ":"),
        "original FastReadCounter": ("FastReadCounter original", "tab:orange", ":"),
        "cereggii's AtomicInt64": ("cereggii", "grey", ":"),
    }
    axes, shown = figure.subplots(), set[int]()
    axes.set_xmargin(0)  # the axis ends where its points do
    for label, (name, color, style) in lines.items():
        times = {number: results.time(f"threads {name} attribute-{number}") for number in NUMBERS}
        rates = {number: 1e-6 / time.value for number, time in times.items() if time}
        axes.plot(list(rates), list(rates.values()), style, color=color, marker="o", label=label, clip_on=False)
        shown |= rates.keys()
    axes.set(xlabel="threads", xticks=sorted(shown), ylim=(0, None))
    figure.legend(frameon=False, loc="outside lower center", ncols=2)
