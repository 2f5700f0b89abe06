"""Run the processes that measure, one after another, and keep their reports even if one fails."""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import pyperf
from tqdm import tqdm

from bench import table
from bench.groups import GROUPS, peers
from bench.results import Results, from_reports

ROOT = Path(__file__).resolve().parents[1]

# The facts of pyperf that may be published: no names, paths and commands of this machine.
PUBLIC = "aslr cpu_config cpu_count cpu_model_name perf_version platform python_implementation python_version timer"


class Failed(Exception):
    """Raised if a process fails or a signal ends it, with a message and an exit status."""


class Children:
    """The processes of a run.  One runs at a time, and a signal ends it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.current: subprocess.Popen[str] | None = None
        self.signal: signal.Signals | None = None
        # The run removes this directory, so temporary files go there.  CFLAGS would replace the flags that this Python
        # compiles extensions with, -O2 among them.
        self.environment = {**os.environ, "TMPDIR": str(directory)}
        self.environment.pop("CFLAGS", None)
        if sysconfig.get_config_var("Py_GIL_DISABLED"):
            self.environment.setdefault("PYTHON_GIL", "0")  # a peer could switch it on
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.interrupt)

    def interrupt(self, number: int, _frame: Any = None) -> None:
        """Handle a signal: end the process that runs.  output() then says why it ended."""
        self.signal = signal.Signals(number)
        if self.current and self.current.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                getattr(os, "killpg", os.kill)(self.current.pid, signal.SIGTERM)  # with all that it has started

    def output(self, *command: str, check: bool = True) -> str:
        """Run Python with these arguments, and return what it prints."""
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.current = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=self.environment, start_new_session=True, **pipes
        )  # in a session of its own, so that only this process gets a Ctrl-C
        if self.signal:  # it came before the process was there
            self.interrupt(self.signal)
        output, errors = self.current.communicate()
        if self.signal:
            raise Failed(f"Interrupted by {self.signal.name}.", 128 + self.signal)
        if self.current.returncode and check:
            raise Failed(errors.strip().rpartition("\n")[2] or f"A process ended with {self.current.returncode}.", 1)
        return str(output)


def run(args: argparse.Namespace) -> tuple[Results | None, list[str], int]:
    """Measure, and return the results, notes about them, and the exit status."""
    reports: list[dict[str, Any]] = []
    number, status, notes = args.processes * len(args.groups), 0, []
    how_long = table.how_long([GROUPS[group] for group in args.groups], args.processes, args.rounds)
    with (
        tempfile.TemporaryDirectory(prefix="fastcounter-bench-") as directory,
        contextlib.nullcontext(Children(Path(directory))) as children,  # first, as tqdm may start a process
        tqdm(total=number, disable=None, leave=False, mininterval=0, unit="process") as progress,
    ):
        compiled = Path(args.extensions or directory)
        try:
            extensions = {extension for group in args.groups if (extension := GROUPS[group].extension)}
            if missing := sorted(name for name in extensions if not any(compiled.glob(f"{name}.*"))):
                progress.set_description(f"compiling {', '.join(missing)}")
                sources = [shutil.copy(Path(__file__).with_name(f"{name}.pyx"), compiled) for name in missing]
                children.output("-m", "Cython.Build.Cythonize", "-i", "-q", *map(str, sources))
            if "peers" in args.groups:
                progress.set_description(f"installing {peers.PUBLISHED}")
                peers.install_published(compiled, children.output)
            for process in range(number):
                group = args.groups[process % len(args.groups)]
                progress.set_description(f"{group}, {how_long} in all" if how_long else group)
                arguments = {"process": process, "group": group, "rounds": args.rounds}
                arguments |= {"slower": args.slower, "tries": args.tries}
                output = children.output("-m", "bench.measure", json.dumps({**arguments, "path": str(compiled)}))
                reports.append(json.loads(output))
                progress.update()
        except Failed as error:
            message, status = error.args
            notes += [message] if reports else [message, "Nothing was measured."]
    if left_out := dict.fromkeys(reason for report in reports for reason in report["left_out"]):
        notes.append(f"Left out: {'; '.join(left_out)}")
    for group in args.groups:
        mine = [report for report in reports if report["metadata"]["group"] == group]
        if given_up := dict.fromkeys(name for report in mine for name in report["given_up"]):
            measured = {name for report in mine for name in report["benchmarks"]}
            notes.append(table.given_up(GROUPS[group], given_up, measured))
    return from_reports(metadata(args), reports), notes, status


def metadata(args: argparse.Namespace) -> dict[str, Any]:
    """Return the facts that the figures depend on."""
    known = pyperf.Run([1.0]).get_metadata()
    facts = {name: known[name] for name in PUBLIC.split() if name in known}
    facts |= {"arguments": args.command, "compiler": platform.python_compiler(), "fastcounter_version": "unknown"}
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        facts["fastcounter_version"] = importlib.metadata.version("fastcounter")
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        how: dict[str, Any] = {"cwd": ROOT, "capture_output": True, "text": True, "check": True}
        top = subprocess.run(["git", "rev-parse", "--show-toplevel"], **how).stdout.strip()
        if Path(top) == ROOT:  # and not a repository around this copy
            command = ["git", "describe", "--always", "--dirty"]
            facts["fastcounter_commit"] = subprocess.run(command, **how).stdout.strip()
    return facts
