"""Results of measurements, in pyperf's files, and their ratios.

A benchmark has a run for each process that measured it; the run's values are the times of the rounds in their order.
Its metadata say which `process` that was, and of which `group`.  A process timed its benchmarks alternately, in rounds.
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
        self.has_jit = self.metadata.get("jit") == "on"
        version, kind = self.metadata["python_version"].split()[0], "t" * (not self.has_gil) + " JIT" * self.has_jit
        self.version = tuple(map(int, version.split(".")[:2]))
        self.python, self.short = version + kind, ".".join(map(str, self.version)) + kind
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

    def facts(self, name: str) -> dict[str, Any]:
        """Return the metadata of a benchmark, as its first process gave them."""
        return dict(next(iter(self.runs[name].values())).get_metadata())

    def ours(self) -> dict[str, tuple[str, ...]]:
        """Return our benchmarks, each with those of its floor."""
        facts = {name: self.facts(name) for name in self.runs}
        floors = {name: each.get("floor") for name, each in facts.items() if each.get("ours")}
        return {name: tuple(floor.split(" + ")) if floor else () for name, floor in floors.items()}

    def sum_of(self, fact: str) -> int:
        """Return the sum of a number in the metadata of each run."""
        return sum(run.get_metadata().get(fact, 0) for runs in self.runs.values() for run in runs.values())

    def lost_counts(self) -> dict[str, float]:
        """Return the benchmarks that lost counts, with the share that each lost."""
        shares = {}
        for name, runs in self.runs.items():
            metadata = [run.get_metadata() for run in runs.values()]
            if lost := sum(each.get("lost_counts", 0) for each in metadata):
                shares[name] = lost / sum(each["counted"] for each in metadata)
        return shares


def load(path: str | Path) -> Results:
    try:
        return Results(pyperf.BenchmarkSuite.load(str(path)))
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
