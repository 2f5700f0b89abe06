"""Results of measurements, in pyperf's files, and their ratios.

A benchmark has a run for each process that measured it; the run's values are the times of the rounds in their order.
Its metadata say which `process` that was, and of which `group`.  One process timed its benchmarks in turns, in rounds.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyperf

from bench.estimate import Estimate, of_processes


class Unusable(Exception):
    """Raised if a file cannot be read or written; the message says why."""


class Results:
    """All results in a suite of pyperf's, or those of one group."""

    def __init__(self, suite: Any, group: str | None = None) -> None:
        self.suite = suite
        self.groups: dict[str, set[int]] = defaultdict(set)  # the processes that measured each
        self.runs: dict[str, dict[int, Any]] = defaultdict(dict)  # by benchmark and process
        for benchmark in suite:
            for run in benchmark.get_runs():
                metadata = run.get_metadata()
                if group in (None, metadata["group"]):
                    self.groups[metadata["group"]].add(metadata["process"])
                    self.runs[benchmark.get_name()][metadata["process"]] = run
        self.processes = min(map(len, self.groups.values()), default=0)  # that measured each group
        self.metadata: dict[str, Any] = suite.get_metadata()
        self.has_gil = self.metadata["gil"] == "on"
        self.python = self.metadata["python_version"].split()[0] + ("" if self.has_gil else "t")
        self.version = tuple(map(int, self.python.rstrip("t").split(".")[:2]))
        self.short = ".".join(map(str, self.version)) + ("" if self.has_gil else "t")
        self.machine = f"{self.metadata.get('cpu_model_name', 'unknown')}, {self.metadata['cpu_count']} CPUs"
        self.package = f"{self.metadata['fastcounter_version']} {self.metadata.get('fastcounter_commit', '')}".strip()

    def of(self, group: str) -> "Results":
        return Results(self.suite, group)

    def times(self, name: str) -> list[float]:
        """Return each process's median over rounds, or nothing if fewer than half of the processes measured it."""
        runs = self.runs.get(name, {})
        return [statistics.median(run.values) for run in runs.values()] if 2 * len(runs) >= self.processes else []

    def ratios(self, *names: str) -> list[float]:
        """Return the first benchmark's time over the sum of the others': each process's median over rounds."""
        if not names or not all(map(self.times, names)):
            return []
        runs = [self.runs[name] for name in names]
        return [
            statistics.median(
                time / sum(others) for time, *others in zip(*(each[process].values for each in runs), strict=True)
            )
            for process in runs[0]
            if all(process in each for each in runs)
        ]

    def time(self, name: str) -> Estimate | None:
        return of_processes(times) if (times := self.times(name)) else None

    def ratio(self, *names: str) -> Estimate | None:
        return of_processes(ratios) if (ratios := self.ratios(*names)) else None

    def unit(self, name: str) -> str:
        return str(next(iter(self.runs[name].values())).get_metadata().get("unit", "second"))

    def sum_of(self, fact: str) -> int:
        """Return the sum of a number in the metadata of each run."""
        return sum(run.get_metadata().get(fact, 0) for runs in self.runs.values() for run in runs.values())

    def lost_counts(self) -> list[str]:
        """Return the benchmarks that lost counts, with the share that each lost."""
        shares = []
        for name, runs in self.runs.items():
            metadata = [run.get_metadata() for run in runs.values()]
            if lost := sum(each.get("lost_counts", 0) for each in metadata):
                shares.append(f"{name}: {lost / sum(each['counted'] for each in metadata):.1%}")
        return shares


class Script:
    """Results of bench/article.py, which pyperf wrote, in a file that is named after the Python."""

    def __init__(self, suite: Any, path: str | Path) -> None:
        self.times = {benchmark.get_name(): benchmark.median() for benchmark in suite}
        self.name = Path(path).name.partition(".json")[0]


def load(path: str | Path) -> Results:
    results = load_any(path)
    if isinstance(results, Script):
        raise Unusable(f"{path} was written by bench/article.py: `python -m pyperf` has commands for it")
    return results


def load_any(path: str | Path) -> Results | Script:
    try:
        suite = pyperf.BenchmarkSuite.load(str(path))
        ours = any("group" in run.get_metadata() for benchmark in suite for run in benchmark.get_runs())
        compiled = any(" compiled " in benchmark.get_name() for benchmark in suite)
        return Script(suite, path) if compiled and not ours else Results(suite)
    except Exception as error:  # whatever pyperf or Results stumble over
        raise Unusable(f"{path} cannot be read as results of `python -m bench`: {error}") from error


def from_reports(metadata: dict[str, Any], reports: Iterable[dict[str, Any]]) -> Results | None:
    """Make results from the reports of processes."""
    runs: dict[str, list[Any]] = defaultdict(list)
    for report in reports:
        for name, (values, own_metadata) in report["benchmarks"].items():
            facts = {**metadata, **report["metadata"], **own_metadata, "name": name}
            runs[name].append(pyperf.Run(values, metadata=facts, collect_metadata=False))
    return Results(pyperf.BenchmarkSuite(map(pyperf.Benchmark, runs.values()))) if runs else None
