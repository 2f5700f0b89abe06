"""Show results as tables, in text or Markdown: `python -m bench table FILE...`."""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import pyperf
from pyperf._cli import format_checks  # pyperf's own tests have no public names
from pyperf._utils import is_significant
from tabulate import tabulate

from bench import suite

Rows = Iterator[list[Any]]

FORMATS = {"text": "simple", "markdown": "github"}

TITLES = {
    "increment": "increment",
    "value": "value",
    "increment+value": "increment, then value",
    "add": "add(1)",
    "add+reset": "add(n), then reset",
    "increment_and_get": "increment_and_get",
    "kept": "increment_and_get, result kept",
    "subclass": "increment of a subclass",
    "slotted": "increment of a subclass with __slots__",
    "compat": "increment of fastcounter.compat's",
    "creation": "creation",
}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench table", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="results that `python -m bench -o FILE` has written")
    parser.add_argument("--format", choices=FORMATS, default="text")
    args = parser.parse_args(argv)
    all_results = [Results(pyperf.BenchmarkSuite.load(file)) for file in args.files]
    show(all_results, args.format)


class Results:
    """One file of results, and which machine and Python they are from."""

    def __init__(self, benches: Any) -> None:
        self.benches = {bench.get_name(): bench for bench in benches}
        self.metadata = next(iter(benches)).get_metadata()

    def get(self, *words: str) -> Any:
        return self.benches.get(" ".join(word for word in words if word))

    @property
    def python(self) -> str:
        version = self.metadata["python_version"].split()[0]
        return f"{version} without GIL" if self.metadata.get("gil") == "off" else version

    @property
    def origin(self) -> str:
        facts = [
            f"CPython {self.python}",
            self.metadata.get("cpu_model_name"),
            f"{self.metadata.get('cpu_count')} CPUs",
            self.metadata.get("platform"),
            self.metadata.get("compiler"),
            f"fastcounter {self.metadata.get('fastcounter_version')} ({self.metadata.get('fastcounter_commit')})",
        ]
        return ", ".join(fact for fact in facts if fact)


def spread(values: Sequence[float]) -> float:
    """The standard deviation; of a single value nobody knows it."""
    return statistics.stdev(values) if len(values) > 1 else float("nan")


def ratio(numerator: Any, denominator: Any) -> str:
    """How many times one time is the other, and how much that varies over values measured side by side."""
    value = statistics.median(fastest(numerator)) / statistics.median(fastest(denominator))
    ratios = [one / other for one, other in zip(numerator.get_values(), denominator.get_values(), strict=False)]
    digits = 2 if value < 10 else 0
    return f"{value:.{digits}f} ± {spread(ratios):.{digits}f}"


def fastest(bench: Any) -> Sequence[float]:
    """The values of the fastest pass: what there was of slow spells of the machine fell on other passes."""
    return min((run.values for run in bench.get_runs() if run.values), key=statistics.median)


def nanoseconds(bench: Any) -> str:
    return f"{statistics.median(fastest(bench)) * 1e9:.1f}"


def with_spread(bench: Any, scale: float = 1e9, unit: str = "ns") -> str:
    values = fastest(bench)
    return f"{statistics.median(values) * scale:.1f} ± {spread(values) * scale:.1f} {unit}"


def differ(one: Any, other: Any) -> bool:
    if min(one.get_nvalue(), other.get_nvalue()) < 2:
        return False
    return bool(is_significant(one.get_values(), other.get_values())[0])


# ---- The tables: each a title, column headings and rows, from any number of results ----


def comparison(all_results: list[Results]) -> Rows:
    """The article's table: operations by classes, compiled against original."""
    for operation in TITLES:
        size = "" if operation == "creation" else "medium"
        for results in all_results:
            cells = [compare(results, operation, name, size) for name in suite.CLASSES]
            if any(cells):
                yield [TITLES[operation], results.python, *cells]


def compare(results: Results, operation: str, class_name: str, size: str) -> str | None:
    compiled = results.get(operation, class_name, "compiled", size)
    original = results.get(operation, class_name, "original", size)
    if not compiled or not original:
        return None
    remark = "" if differ(compiled, original) else " (not significant)"
    return f"{nanoseconds(compiled)} / {nanoseconds(original)} ns = {ratio(original, compiled)}{remark}"


def of_the_floor(all_results: list[Results]) -> Rows:
    for operation in TITLES:
        for size in [""] if operation == "creation" else suite.STARTS:
            for results in all_results:
                cells = [multiple(results, operation, name, size) for name in suite.CLASSES]
                if any(cells):
                    yield [f"{TITLES[operation]}{f', {size} count' if size else ''}", results.python, *cells]


def multiple(results: Results, operation: str, class_name: str, size: str) -> str | None:
    compiled = results.get(operation, class_name, "compiled", size)
    floor = floor_of(results, operation, class_name)
    if not compiled or not floor:
        return None
    return f"{nanoseconds(compiled)} ns = {ratio(compiled, floor)}"


def floor_of(results: Results, operation: str, class_name: str) -> Any:
    """The least that CPython can do for it: read a slot where it is an attribute, or else call a method."""
    is_attribute = operation == "value" and class_name != "FastWriteCounter"
    return results.get("floor", "slot" if is_attribute else "call")


def floors(all_results: list[Results]) -> Rows:
    for results in all_results:
        cells = [results.get("floor", kind) for kind in ("loop", "call", "slot")]
        if any(cells):
            yield [results.python, *[with_spread(bench) if bench else None for bench in cells]]


def threads(all_results: list[Results]) -> Rows:
    for implementation in suite.IMPLEMENTATIONS:
        for name in suite.CLASSES:
            for counters in ("shared", "bound", "own"):
                variants = [f"{counters}-{number}" for number in suite.THREADS]
                variants += [suite.READERS] if counters == "shared" else []
                for results in all_results:
                    benches = [results.get("threads", name, implementation, variant) for variant in variants]
                    if any(benches):
                        cells = [in_threads(bench) if bench else None for bench in benches]
                        yield [f"{name}, {implementation}, {counters}", results.python, *cells]


def in_threads(bench: Any) -> str:
    metadata = bench.get_metadata()
    lost = metadata.get("lost", 0)
    return with_spread(bench) + (f", lost {lost} of {metadata['counted']}" if lost else "")


def c_level(all_results: list[Results]) -> Rows:
    for number in suite.THREADS[:2]:
        for results in all_results:
            benches = [results.get("c-level", name, "compiled", f"threads-{number}") for name in suite.CLASSES]
            if any(benches):
                yield [number, results.python, *[with_spread(bench) if bench else None for bench in benches]]


def peers(all_results: list[Results]) -> Rows:
    """Other counters, and how many times ours they take, by our FastReadCounter."""
    names = dict.fromkeys(n.split()[1] for results in all_results for n in results.benches if n.startswith("peers "))
    for name in names:
        for results in all_results:
            benches = [results.get("peers", name, operation) for operation in ("increment", "value")]
            if any(benches):
                ours = [
                    results.get(operation, "FastReadCounter", "compiled", "medium")
                    for operation in ("increment", "value")
                ]
                yield [name, results.python, *[against(*pair) for pair in zip(benches, ours, strict=True)]]


def against(bench: Any, ours: Any) -> str | None:
    if not bench:
        return None
    return f"{nanoseconds(bench)} ns" + (f" = {ratio(bench, ours)}" if ours else "")


def memory(all_results: list[Results]) -> Rows:
    for results in all_results:
        benches = [results.get("memory", n, i) for i in suite.IMPLEMENTATIONS for n in suite.CLASSES]
        if any(benches):
            yield [results.python, *[f"{bench.median():.0f}" if bench else None for bench in benches]]


def imports(all_results: list[Results]) -> Rows:
    for results in all_results:
        package, nothing = results.get("import", "fastcounter"), results.get("import", "nothing")
        if package and nothing:
            difference = statistics.median(fastest(package)) - statistics.median(fastest(nothing))
            remark = "" if differ(package, nothing) else " (not significant)"
            yield [
                results.python,
                *[with_spread(bench, 1e3, "ms") for bench in (package, nothing)],
                f"{difference * 1e3:.1f} ms{remark}",
            ]


TABLES = [
    (
        "Compiled / original = how many times faster, on counts of about 100,000",
        ["operation", "Python", *suite.CLASSES],
        comparison,
    ),
    (
        "Compiled, as multiples of the floor: a compiled method that does nothing, or for an attribute a slot",
        ["operation", "Python", *suite.CLASSES],
        of_the_floor,
    ),
    (
        "The floor: an empty loop, a compiled method that does nothing ([].clear()), an attribute in a slot",
        ["Python", "loop", "call", "slot"],
        floors,
    ),
    (
        "Threads: time an increment while so many threads increment one counter (bound: by a method taken once), or one"
        " each",
        ["counter", "Python", *[f"{number} threads" for number in suite.THREADS], "9 writers, 1 reader"],
        threads,
    ),
    (
        "C level: time an increment while so many threads increment one counter, called from Cython",
        ["threads", "Python", *suite.CLASSES],
        c_level,
    ),
    (
        "Peers: their time, and as multiples of the compiled FastReadCounter's",
        ["counter", "Python", "increment", "value"],
        peers,
    ),
    (
        "Memory: bytes a counter, its int included",
        [
            "Python",
            *[f"{name}, {implementation}" for implementation in suite.IMPLEMENTATIONS for name in suite.CLASSES],
        ],
        memory,
    ),
    (
        "Import: time of a Python process that imports the package, and of one that does nothing",
        ["Python", "import fastcounter", "nothing", "difference"],
        imports,
    ),
]


def show(all_results: list[Results], style: str = "text") -> None:
    """Print every table that the results have something for, and what they are worth."""
    for results in all_results:
        print(f"Measured on {results.origin}.")
    for title, headings, rows in TABLES:
        body = list(rows(all_results))
        if body:
            print(f"\n{title}:\n")
            print(tabulate(body, headings, tablefmt=FORMATS[style], disable_numparse=True))
    print(
        "\nTimes, and their ratios, are those of the fastest pass.  The ± of a time is its standard deviation there,"
        "\nthat of a ratio its standard deviation over all passes; significance is that of pyperf's t-test."
    )
    for results in all_results:
        warn(results)


def warn(results: Results) -> None:
    """Name what pyperf calls too noisy to rely on."""
    remarks = {
        name: [line for line in format_checks(bench) if line.startswith("*")] for name, bench in results.benches.items()
    }
    unstable = {name: " ".join(lines)[2:] for name, lines in remarks.items() if lines}
    if unstable:
        print(f"\nWARNING: this machine is too noisy for {len(unstable)} of {len(remarks)} benchmarks:\n")
        print(tabulate(unstable.items(), tablefmt="plain"))
