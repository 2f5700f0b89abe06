"""Measure the counters with pyperf, and print the tables.

Each of the processes that pyperf would give a benchmark is one pass here.  A pass measures every benchmark
once, in a new process each, so that what is compared was measured side by side again and again, and a slow
spell of the machine falls on all of it.
"""

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyperf

from bench import peers, suite

PASSES = 6  # twice as many with --rigorous
FAST_PASSES = 2
VALUES = 5
MIN_TIME = 0.01  # seconds a value

Benchmarks = dict[str, suite.Benchmark]

PRIVATE_METADATA = ("command", "hostname", "python_config_args", "python_executable")

# Options of pyperf's that are about the whole run, and are not handed on to a pass.
ABOUT_THE_RUN = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
ABOUT_THE_RUN.add_argument("-o", "--output")
ABOUT_THE_RUN.add_argument("--append")
ABOUT_THE_RUN.add_argument("-p", "--processes")
ABOUT_THE_RUN.add_argument("--fast", action="store_true")
ABOUT_THE_RUN.add_argument("--rigorous", action="store_true")
ABOUT_THE_RUN.add_argument("--peers", nargs="?", const="all")


def main() -> None:
    runner = pyperf.Runner(
        processes=PASSES,
        values=VALUES,
        min_time=MIN_TIME,
        metadata={"gil": "on" if getattr(sys, "_is_gil_enabled", lambda: True)() else "off"},
        program_args=("-m", "bench"),
        add_cmdline_args=add_worker_arguments,
    )
    parser = runner.argparser
    parser.prog = "python -m bench"
    parser.description = "Measure the compiled counters against the originals and the least that CPython can do."
    parser.epilog = "Results are shown again by `python -m bench table FILE...` and `python -m bench plot FILE...`."
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark, or a group of them; all by default")
    parser.add_argument("--peers", nargs="?", const="all", help="measure other counters too: all, or a,b,c")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and leave")
    parser.add_argument("--pass", dest="pass_number", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--passes", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)  # for the files of the passes
    args = runner.parse_args()

    if args.peers and not args.directory:
        args.peers = ",".join(importable_peers(parser, args.peers))
    benchmarks = select(parser, args)
    if args.list:
        print(*benchmarks, sep="\n")
    elif args.directory:
        run_pass(runner, benchmarks)
    else:
        run_all_passes(args, benchmarks)


def add_worker_arguments(command: list[str], args: argparse.Namespace) -> None:
    command += ["--directory", str(args.directory), *args.names]
    if args.peers:
        command += ["--peers", args.peers]


def importable_peers(parser: argparse.ArgumentParser, names: str) -> Iterator[str]:
    for name in peers.PEERS if names == "all" else names.split(","):
        if name not in peers.PEERS:
            parser.error(f"no peer is called {name!r}; the peers are {', '.join(peers.PEERS)}")
        error = peers.why_left_out(name)
        if error:
            print(f"{name} is left out: {error}")
        else:
            yield name


def select(parser: argparse.ArgumentParser, args: argparse.Namespace) -> Benchmarks:
    names = args.names
    benchmarks = suite.all_benchmarks(args.peers.split(",") if args.peers else ())
    known = {*benchmarks, *map(suite.group, benchmarks)}
    for name in names:
        if name not in known:
            parser.error(f"no benchmark or group is called {name!r}; the groups are {', '.join(groups(benchmarks))}")
    return {
        name: benchmark
        for name, benchmark in benchmarks.items()
        if not names or {name, suite.group(name)} & {*names, "peers"}
    }


def groups(benchmarks: Benchmarks) -> list[str]:
    return list(dict.fromkeys(map(suite.group, benchmarks)))


# ---- One pass: this process manages it, and pyperf starts one more for each benchmark ----


def run_pass(runner: Any, benchmarks: Benchmarks) -> None:
    args = runner.args
    record_loss = LossFile(args.directory).add
    loops_asked_for = args.loops
    loops = loops_of_earlier_passes(args.directory)
    start = time.monotonic()
    for done, (name, benchmark) in enumerate(benchmarks.items()):
        if not args.worker:
            args.loops = loops_asked_for or loops.get(name) or enough_loops(benchmark, args.min_time)
            passes_left = args.passes - args.pass_number + 1
            pace = (time.monotonic() - start) / max(done, 1)
            minutes = pace * (passes_left * len(benchmarks) - done) / 60
            progress = f"pass {args.pass_number}/{args.passes}, {done + 1:3}/{len(benchmarks)}"
            print(f"[{progress}, {minutes:4.1f} min left] ", end="", flush=True)
        benchmark.add_to(runner, record_loss)


def enough_loops(benchmark: suite.Benchmark, seconds: float) -> int:
    """About as many loops as take so long; 0 leaves it to pyperf, which spends a process on finding out."""
    if not isinstance(benchmark, suite.QuicklyTimed):
        return 0
    trial = 20
    return max(1, round(seconds / benchmark.seconds(trial) * trial))


def loops_of_earlier_passes(directory: Path) -> dict[str, int]:
    results = directory / "results.json"
    if not results.exists():
        return {}
    return {bench.get_name(): bench.get_loops() for bench in pyperf.BenchmarkSuite.load(str(results))}


class LossFile:
    """Lost counts, which a worker has no other way to hand on than a file: pyperf fixes its metadata earlier."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "losses"

    def add(self, name: str, lost: int, counted: int) -> None:
        with open(self.path, "a") as file:
            print(json.dumps([name, lost, counted]), file=file)

    def totals(self) -> dict[str, tuple[int, int]]:
        totals: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        if self.path.exists():
            for name, lost, counted in map(json.loads, self.path.read_text().splitlines()):
                totals[name] = totals[name][0] + lost, totals[name][1] + counted
        return totals


# ---- The whole run ----


def run_all_passes(args: argparse.Namespace, benchmarks: Benchmarks) -> None:
    from bench import table  # not in a worker, which has to start fast

    _, handed_on = ABOUT_THE_RUN.parse_known_args()
    passes = FAST_PASSES if args.fast else args.processes
    with tempfile.TemporaryDirectory() as directory:
        results = Path(directory, "results.json")
        if "c-level" in groups(benchmarks):
            suite.build_c_level(directory)
        published = args.peers and published_python(directory)
        for number in range(1, passes + 1):
            command = [sys.executable, "-m", "bench", *handed_on, "--quiet", "--processes=1"]
            command += [f"--pass={number}", f"--passes={passes}", "--directory", directory]
            command += ["--append", str(results)]
            if args.peers:
                command += ["--peers", args.peers]
            status = subprocess.run(command).returncode
            if status:
                sys.exit(status)
            if published:
                options = ["--processes=1", f"--values={args.values}", f"--min-time={args.min_time}"]
                options += [f"--duplicate={suite.UNROLLED}", "--append", str(results)]
                peers.measure_published(published, directory, options)
        benches = pyperf.BenchmarkSuite.load(str(results))
        losses = LossFile(Path(directory)).totals()

    facts = metadata()
    for bench in benches:
        bench.update_metadata(facts)
        if bench.get_name() in losses:
            lost, counted = losses[bench.get_name()]
            bench.update_metadata({"lost": lost, "counted": counted})
    benches = without_private_metadata(benches)
    print()
    table.show([table.Results(benches)])
    if args.output:
        benches.dump(args.output)
    if args.append:
        pyperf.add_runs(args.append, benches)


def without_private_metadata(benches: Any) -> Any:
    """The same results without what is nobody else's business, so that they can be published."""

    def cleaned(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: cleaned(value) for key, value in part.items() if key not in PRIVATE_METADATA}
        return [cleaned(value) for value in part] if isinstance(part, list) else part

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "results.json")
        benches.dump(str(path))
        path.write_text(json.dumps(cleaned(json.loads(path.read_text()))))
        return pyperf.BenchmarkSuite.load(str(path))


def published_python(directory: str) -> Path | None:
    python, error = peers.make_published_environment(Path(directory, "published"))
    if error:
        print(f"{peers.PUBLISHED} is left out: {error}")
        return None
    return python


def metadata() -> dict[str, str]:
    """What pyperf does not record and the figures depend on."""
    from importlib.metadata import version

    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout
    facts = {
        "compiler": sysconfig.get_config_var("CC"),
        "compiler_flags": sysconfig.get_config_var("CFLAGS"),
        "fastcounter_version": version("fastcounter"),
        "fastcounter_commit": commit,
    }
    return {name: " ".join(fact.split()) for name, fact in facts.items() if fact}
