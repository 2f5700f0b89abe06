"""Run the processes that measure, one after another, and keep what they report, whatever happens."""

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
import tempfile
from pathlib import Path
from typing import Any

import pyperf
from tqdm import tqdm

from bench import peers
from bench.groups import GROUPS
from bench.results import Results, from_reports

ROOT = Path(__file__).resolve().parents[1]

# What pyperf knows and anybody may: no names, paths and commands of this machine.
PUBLIC = "aslr cpu_config cpu_count cpu_model_name perf_version platform python_implementation python_version timer"


class Failed(Exception):
    """A process has failed; the message says how."""

    status = 1


class Interrupted(Failed):
    """A signal has ended the run."""

    def __init__(self, number: int) -> None:
        super().__init__(f"Interrupted by {signal.Signals(number).name}.")
        self.status = 128 + number


class Children:
    """The processes of a run, of which one runs at a time, and which a signal ends."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.current: subprocess.Popen[str] | None = None
        self.signal: int | None = None
        # Temporary files go where the run removes them.  CFLAGS would take the place of the flags, -O2 among them, that
        # extensions get on this Python.  Without the GIL, no extension of others may switch it on again.
        self.environment = {**os.environ, "TMPDIR": str(directory)}
        self.environment.pop("CFLAGS", None)
        if not getattr(sys, "_is_gil_enabled", lambda: True)():
            self.environment["PYTHON_GIL"] = "0"
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.interrupt)

    def interrupt(self, number: int, _frame: Any) -> None:
        """Handle a signal: end the process.  What waits for it finds out why."""
        self.signal = number
        if self.current and self.current.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                if hasattr(os, "killpg"):
                    os.killpg(self.current.pid, signal.SIGTERM)  # with all that it has started
                else:
                    self.current.terminate()

    def output(self, *command: str) -> str:
        """What a command of Python's prints."""
        self.current = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that Ctrl-C comes here alone
        )
        if self.signal:  # came before there was a process to end
            self.interrupt(self.signal, None)
        output, errors = self.current.communicate()
        if self.signal:
            raise Interrupted(self.signal)
        if self.current.returncode:
            raise Failed(errors.strip().rpartition("\n")[2] or f"A process ended with {self.current.returncode}.")
        return output


def run(args: argparse.Namespace) -> tuple[Results | None, list[str], Failed | None]:
    """What was measured, why something was left out, and what has kept the run from its end, if anything has."""
    reports, left_out, failure = [], [], None
    groups = args.groups
    with (
        tempfile.TemporaryDirectory(prefix="fastcounter-bench-") as directory,
        tqdm(total=args.processes * len(groups), disable=None, leave=False, unit="process") as progress,
    ):
        children = Children(Path(directory))
        try:
            left_out += prepare(groups, children, progress)
            for process in range(args.processes * len(groups)):
                group = groups[process % len(groups)]
                progress.set_description(group)
                arguments = {"process": process, "group": group, "rounds": args.rounds, "slower": args.slower}
                output = children.output("-m", "bench.measure", json.dumps({**arguments, "path": directory}))
                reports.append(json.loads(output))
                progress.update()
        except Failed as error:
            failure = error
    left_out += {reason: None for report in reports for reason in report["left_out"]}
    return from_reports(metadata(args), reports), left_out, failure


def prepare(groups: list[str], children: Children, progress: Any) -> list[str]:
    """Compile and install what the groups need; say why something is left out."""
    for name in dict.fromkeys(GROUPS[group].extension for group in groups):
        if name:
            progress.set_description(f"compiling {name}")
            source = shutil.copy(Path(__file__).with_name(f"{name}.pyx"), children.directory)
            children.output("-m", "Cython.Build.Cythonize", "-i", "-q", str(source))
    if "peers" in groups:
        progress.set_description(f"installing {peers.PUBLISHED}")
        try:
            peers.install_published(children.directory, children.output)
        except Interrupted:
            raise
        except Failed as error:
            return [str(error)]
    return []


def metadata(args: argparse.Namespace) -> dict[str, Any]:
    """What the figures depend on."""
    known = pyperf.Run([1.0]).get_metadata()
    facts = {name: known[name] for name in PUBLIC.split() if name in known}
    facts["bench_arguments"] = f"{args.selection} --processes {args.processes}"
    facts["compiler"] = platform.python_compiler()
    facts["fastcounter_version"] = "unknown"
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        facts["fastcounter_version"] = importlib.metadata.version("fastcounter")
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        if Path(git("rev-parse", "--show-toplevel")) == ROOT:  # and not a repository around this copy
            facts["fastcounter_commit"] = git("describe", "--always", "--dirty")
    return facts


def git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
