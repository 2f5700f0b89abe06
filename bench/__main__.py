"""Measure the counters, or show what was measured: `python -m bench --help`."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import compare, report, run, table
from bench.groups import GROUPS
from bench.results import Results, Unreadable, load


def main() -> None:
    commands = {"compare": compare.main, "report": report.main, "table": show_files}
    command = commands.get(sys.argv[1]) if len(sys.argv) > 1 else None
    try:
        if command:
            command(sys.argv[2:])
        else:
            measure(sys.argv[1:])
    except Unreadable as error:
        sys.exit(f"python -m bench: {error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def measure(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the compiled counters against the originals and the least that CPython can do.",
        epilog="python -m bench table FILE...: show results again; compare OLD NEW: show what has become slower; "
        "report FILE...: write bench/README.md.",
    )
    names = ", ".join(GROUPS)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"all, or of: {names} (default: article)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write results in pyperf's JSON, if FILE ends in .gz compressed"
    )
    parser.add_argument("--processes", type=int, default=12, help="that measure (default: %(default)s)")
    parser.add_argument("--rounds", type=int, help="in each process (default: 150 where a round is short)")
    parser.add_argument("--slower", type=int, default=0, help=argparse.SUPPRESS)  # percent, one of the twins of aa
    args = parser.parse_args(argv)
    unknown = set(args.groups) - {*GROUPS, "all"}
    if unknown:
        parser.error(f"no group is called {', '.join(sorted(unknown))}; there are all, {names}")
    if args.processes < 1 or (args.rounds or 1) < 1:
        parser.error("at least one process and one round are needed")
    if args.slower and args.groups != ["aa"]:
        parser.error("--slower is for aa")
    args.selection = " ".join(args.groups) or "article"
    if "all" in args.groups:
        args.groups = [name for name in GROUPS if name != "aa"]
    args.groups = list(dict.fromkeys(args.groups)) or ["article"]

    if args.output:
        claim(args.output)
    results, left_out, failure = run.run(args)
    if results:
        show(results, left_out)
        if args.output:
            results.suite.dump(args.output, replace=True)
    elif args.output:
        Path(args.output).unlink()
    if failure:
        print(failure, "" if results else "Nothing was measured.", file=sys.stderr)
        sys.exit(failure.status)


def claim(path: str) -> None:
    """Find out now, and not when all is measured, whether the file can be written."""
    try:
        open(path, "x").close()
    except OSError as error:
        raise Unreadable(f"{path} cannot be written: {error.strerror}") from error


def show_files(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench table", description="Show results that a file has.")
    parser.add_argument("files", nargs="+", metavar="FILE")
    for file in parser.parse_args(argv).files:
        show(load(file))


def show(results: Results, left_out: Sequence[str] = ()) -> None:
    """Print a table for each group, and what they are worth."""
    print(f"CPython {results.python} on {results.machine}; {results.package}\n")
    for name, group in GROUPS.items():
        if lines := table.as_text(group, results.of(name)):
            print(f"{lines}\n")
    print(*table.remarks(results), sep="\n")
    if left_out:
        print(f"Not measured: {'; '.join(left_out)}.")
    if results.groups == {"article"}:
        print("More: python -m bench all, or one of:", *list(GROUPS)[1:], sep=" ")


if __name__ == "__main__":
    main()
