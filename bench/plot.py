"""Draw results as pictures: `python -m bench plot FILE...`."""

import argparse
import statistics
from pathlib import Path
from typing import Any

import pyperf

from bench import suite
from bench.table import Results, fastest, floor_of, spread

# What each bar is, and how it looks; the hatches tell them apart without colours too.
BARS = {"compiled": ("#1b6ca8", ""), "original": ("#c9d6df", "//"), "floor": ("white", "..")}
LINES = {"SingleThreadCounter": "o", "FastReadCounter": "s", "FastWriteCounter": "^"}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench plot", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="results that `python -m bench -o FILE` has written")
    parser.add_argument("--directory", type=Path, default=Path(), help="where to put the pictures (default: here)")
    args = parser.parse_args(argv)

    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "fastcounter"  # the same picture each time
    all_results = [Results(pyperf.BenchmarkSuite.load(file)) for file in args.files]
    for name, draw in (("operations", operations), ("threads", threads)):
        figure = draw(all_results)
        for suffix in ("png", "svg"):
            path = args.directory / f"{name}.{suffix}"
            figure.savefig(path, dpi=150, metadata={"Date": None} if suffix == "svg" else None)
            print(path)


def operations(all_results: list[Results]) -> Any:
    """Increments and reads as bars: compiled, original and the floor, with a row for each file."""
    from matplotlib import pyplot

    figure, rows = pyplot.subplots(
        len(all_results), 2, figsize=(11, 0.7 + 2.9 * len(all_results)), layout="constrained", squeeze=False
    )
    for axes_of_row, results in zip(rows, all_results, strict=True):
        for axes, operation in zip(axes_of_row, ("increment", "value"), strict=True):
            for index, kind in enumerate(BARS):
                draw_bars(axes, results, operation, kind, index)
            axes.set_yscale("log")
            axes.set_ylabel("ns per call")
            axes.set_title(f"{operation}, Python {results.python}")
            axes.set_xticks(range(len(suite.CLASSES)), suite.CLASSES)
            axes.margins(y=0.15)
            axes.set_ylim(bottom=1)
            axes.grid(axis="y", alpha=0.3)
            axes.set_axisbelow(True)
    figure.legend(*rows[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=len(BARS))
    return figure


def draw_bars(axes: Any, results: Results, operation: str, kind: str, index: int) -> None:
    benches = [bench_of(results, operation, name, kind) for name in suite.CLASSES]
    places = [place + (index - 1) * 0.27 for place, bench in enumerate(benches) if bench]
    benches = [bench for bench in benches if bench]
    heights = [statistics.median(fastest(bench)) * 1e9 for bench in benches]
    errors = [spread(fastest(bench)) * 1e9 for bench in benches]
    color, hatch = BARS[kind]
    bars = axes.bar(
        places, heights, 0.25, yerr=errors, color=color, hatch=hatch, edgecolor="black", capsize=3, label=kind
    )
    axes.bar_label(bars, [f"{height:.1f}" for height in heights], fontsize=7, padding=2)


def bench_of(results: Results, operation: str, class_name: str, kind: str) -> Any:
    if kind == "floor":
        return floor_of(results, operation, class_name)
    return results.get(operation, class_name, kind, "medium")


def threads(all_results: list[Results]) -> Any:
    """Throughput over threads as lines, on one counter and on a counter each, with a row for each file."""
    from matplotlib import pyplot

    figure, rows = pyplot.subplots(
        len(all_results), 2, figsize=(11, 0.9 + 3.2 * len(all_results)), layout="constrained", squeeze=False
    )
    for axes_of_row, results in zip(rows, all_results, strict=True):
        for axes, counters in zip(axes_of_row, ("shared", "own"), strict=True):
            for class_name, marker in LINES.items():
                for implementation in suite.IMPLEMENTATIONS:
                    draw_line(axes, results, counters, class_name, implementation, marker)
            axes.set_ylabel("million increments per second")
            axes.set_ylim(bottom=0)
            axes.set_xticks(suite.THREADS)
            axes.set_xlabel("threads")
            counter = "one counter" if counters == "shared" else "a counter each"
            axes.set_title(f"threads on {counter}, Python {results.python}")
            axes.grid(alpha=0.3)
    figure.legend(*rows[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=len(LINES), fontsize=8)
    return figure


def draw_line(axes: Any, results: Results, counters: str, class_name: str, implementation: str, marker: str) -> None:
    points = []
    for number in suite.THREADS:
        bench = results.get("threads", class_name, implementation, f"{counters if number > 1 else 'shared'}-{number}")
        if bench:
            rates = [1e-6 / value for value in fastest(bench)]
            points.append((number, statistics.median(rates), spread(rates)))
    if points:
        numbers, medians, errors = zip(*points, strict=True)
        compiled = implementation == "compiled"
        axes.errorbar(
            numbers,
            medians,
            yerr=errors,
            label=f"{class_name}, {implementation}",
            color="black" if compiled else "grey",
            linestyle="-" if compiled else "--",
            marker=marker,
            markerfacecolor="black" if compiled else "white",
            capsize=3,
        )
