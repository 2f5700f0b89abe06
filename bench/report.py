"""Write bench/README.md, and pictures beside it: `python -m bench report FILE...`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench.groups import ARTICLE, GROUPS, READS
from bench.results import Results, Unusable, load

FACTS = {"Python": "python_version", "processor": "cpu_model_name", "CPUs": "cpu_count", "platform": "platform"}
FACTS |= {"its compiler": "compiler", "commit": "fastcounter_commit", "arguments": "arguments"}


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench report", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="that `python -m bench -o FILE` has written")
    parser.add_argument("--directory", type=Path, default=Path(__file__).parent, help="where to write (default: bench)")
    args = parser.parse_args(argv)
    all_results = [load(file) for file in args.files]
    try:
        draw(all_results, args.directory)
        (args.directory / "README.md").write_text(page(all_results), encoding="utf-8")
    except (ModuleNotFoundError, OSError) as error:
        raise Unusable(f"{error}; the pictures need the extra `plot`, and a directory to write to") from error


def page(all_results: Sequence[Results]) -> str:
    """The text of bench/README.md."""
    all_results = sorted(all_results, key=lambda each: each.version)
    facts = [[each.metadata.get(fact, "") for fact in FACTS.values()] for each in all_results]
    machines = tabulate(facts, list(FACTS), tablefmt="github", disable_numparse=True)
    links = "\n\n".join(f"![{name}]({name}.png)" for name in pictures(all_results))
    template = Path(__file__).with_name("page.md").read_text(encoding="utf-8")
    parts = [template.format(pictures=links, machines=machines)]
    for group in GROUPS.values():
        if lines := group.table(all_results, "github"):
            parts.append("\n\n".join(filter(None, [f"## {group.title}", lines, group.note])) + "\n")
    return "\n".join(parts)


def pictures(all_results: Sequence[Results]) -> dict[str, Results]:
    """Which pictures there are, and of what: the newest Python, and the newest without the GIL."""
    found = {}
    for results in sorted(all_results, key=lambda each: each.version):
        name, group = ("operations", "article") if results.has_gil else ("threads", "threads")
        if group in results.groups:
            found[name] = results.of(group)
    return found


def draw(all_results: Sequence[Results], directory: Path) -> None:
    from matplotlib.figure import Figure

    for name, results in pictures(all_results).items():
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.subplots()
        (draw_operations if name == "operations" else draw_threads)(axes, results)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        figure.savefig(directory / f"{name}.png", dpi=120)


def draw_operations(axes: Any, results: Results) -> None:
    """Bars: how long an increment and a read take."""
    calls = {f"{cls}, {'read' if call == 'value' else call}": f"{call} {cls}" for call in READS[:2] for cls in ARTICLE}
    for offset, implementation, color in ((-0.2, "original", "lightgrey"), (0.2, "compiled", "tab:blue")):
        times = [results.time(f"{call} {implementation} medium") * 1e9 for call in calls.values()]
        bars = axes.barh([row + offset for row in range(len(calls))], times, 0.4, color=color, label=implementation)
        axes.bar_label(bars, [f"{time:.0f}" for time in times], padding=3)
    axes.set_yticks(range(len(calls)), calls)
    axes.invert_yaxis()
    axes.set_title(f"Nanoseconds a call, CPython {results.python}")


def draw_threads(axes: Any, results: Results) -> None:
    """Lines: how many increments of one counter threads do together."""
    for cls, color in (("FastWriteCounter", "tab:blue"), ("FastReadCounter", "tab:orange")):
        for way, style, title in (("bound", "-", "method taken once"), ("shared", "--", "counter.increment()")):
            names = {n: f"threads {cls} compiled {way if n > 1 else 'shared'}-{n}" for n in (1, 2, 4, 8)}
            rates = [1e-6 / results.time(name) for name in names.values()]
            axes.plot(list(names), rates, style, color=color, marker="o", label=f"{cls}, {title}")
    axes.set(xlabel="threads", xticks=list(names), ylim=(0, None))
    axes.set_title(f"Million increments a second, CPython {results.python} without the GIL")
