"""Results: what was measured, in pyperf's files, and the ratios in it.

A benchmark has a run for each process that measured it, whose values are the times of the rounds in their order.  Its
metadata say which `process` that was, and of which `group`: what a process measured was timed in turns, in rounds.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyperf


class Unusable(Exception):
    """A file cannot be read or written; the message says why."""


class Results:
    """All results in a suite of pyperf's, or those of a group's processes."""

    def __init__(self, suite: Any, group: str | None = None) -> None:
        self.suite = suite
        self.groups: set[str] = set()
        self.runs: dict[str, dict[int, Any]] = defaultdict(dict)  # by benchmark and process
        for benchmark in suite:
            for run in benchmark.get_runs():
                metadata = run.get_metadata()
                self.groups.add(metadata["group"])
                if group in (None, metadata["group"]):
                    self.runs[benchmark.get_name()][metadata["process"]] = run
        self.processes = min(map(len, self.runs.values()), default=0)  # that measured each benchmark
        self.metadata: dict[str, Any] = suite.get_metadata()
        self.has_gil = self.metadata["gil"] == "on"
        self.python = self.metadata["python_version"].split()[0] + ("" if self.has_gil else "t")
        self.version = tuple(map(int, self.python.rstrip("t").split(".")[:2]))
        self.machine = f"{self.metadata.get('cpu_model_name', 'unknown')}, {self.metadata['cpu_count']} CPUs"
        self.package = f"{self.metadata['fastcounter_version']} {self.metadata.get('fastcounter_commit', '')}".strip()

    def of(self, group: str) -> "Results":
        return Results(self.suite, group)

    def time(self, name: str) -> float:
        """The median over processes of the median over rounds."""
        return float(statistics.median(statistics.median(run.values) for run in self.runs[name].values()))

    def ratios(self, *names: str) -> list[float]:
        """How many times the sum of the others the first is: the median over rounds, in each process that has all."""
        runs = [self.runs.get(name, {}) for name in names]
        return [
            statistics.median(
                time / sum(others) for time, *others in zip(*(each[process].values for each in runs), strict=True)
            )
            for process in runs[0]
            if all(process in each for each in runs)
        ]

    def lost(self, name: str) -> float:
        """The share of the counts that was lost."""
        metadata = [run.get_metadata() for run in self.runs[name].values()]
        return float(sum(each["lost"] for each in metadata) / sum(each["counted"] for each in metadata))


def load(path: str | Path) -> Results:
    try:
        return Results(pyperf.BenchmarkSuite.load(str(path)))
    except Exception as error:  # whatever pyperf or Results stumble over
        raise Unusable(f"{path} cannot be read as results of `python -m bench`: {error}") from error


def from_reports(metadata: dict[str, Any], reports: Iterable[dict[str, Any]]) -> Results | None:
    """What processes have reported."""
    runs: dict[str, list[Any]] = defaultdict(list)
    for report in reports:
        for name, (values, own_metadata) in report["benchmarks"].items():
            facts = {**metadata, **report["metadata"], **own_metadata, "name": name}
            runs[name].append(pyperf.Run(values, metadata=facts, collect_metadata=False))
    return Results(pyperf.BenchmarkSuite(map(pyperf.Benchmark, runs.values()))) if runs else None
