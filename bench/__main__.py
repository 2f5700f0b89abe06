"""Measure the counters, or show what was measured: `python -m bench --help`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import compare, report, run, table
from bench.concurrent import gil_enabled
from bench.groups import GROUPS
from bench.results import Results, Unusable, load

PROCESSES = 12


def main(argv: Sequence[str]) -> None:
    commands = {"compare": compare.main, "report": report.main, "table": show_files}
    command = commands.get(argv[0]) if argv else None
    try:
        command(argv[1:]) if command else measure(argv)
    except Unusable as error:
        sys.exit(f"python -m bench: {error}")


def measure(argv: Sequence[str]) -> None:
    about = "Measure the compiled counters against the originals and against the least that CPython can do."
    also = "results in files: python -m bench table, compare, or report"
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=about,
        epilog=f"{groups_explained()}\n\n{also}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="any of those below, or all (default: article)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="where to write results, in pyperf's JSON; may end in .gz"
    )
    parser.add_argument("--processes", type=int, default=PROCESSES, help="how many measure (default: %(default)s)")
    parser.add_argument("--rounds", type=int, help="in each process (default: 10 to 150, by group)")
    parser.add_argument(
        "--slower", type=int, default=0, help=argparse.SUPPRESS
    )  # percent, of the first of each pair of the group aa
    parser.add_argument("--tries", type=int, help=argparse.SUPPRESS)  # of a round that does not count, instead of 100
    parser.add_argument("--extensions", metavar="DIR", help=argparse.SUPPRESS)  # keeps compiled ones for the next run
    args = parser.parse_args(argv)
    args.groups = args.groups or ["article"]
    if unknown := set(args.groups) - {*GROUPS, "all"}:
        parser.error(f"no group is called {', '.join(sorted(unknown))}; there are: all {' '.join(GROUPS)}")
    if args.processes < 1 or (args.rounds is not None and args.rounds < 1):
        parser.error("at least one process and one round are needed")
    rounds = [f"--rounds {args.rounds}"] if args.rounds else []
    args.command = " ".join([*args.groups, f"--processes {args.processes}", *rounds])
    args.groups = chosen(args.groups)

    try:
        if args.output:
            open(args.output, "x").close()  # finds out now whether it can be written
        results, notes, status = run.run(args)
        if args.output and results:
            results.suite.dump(args.output, replace=True)
        elif args.output:
            Path(args.output).unlink()
    except OSError as error:
        raise Unusable(f"{args.output} cannot be written: {error.strerror}") from error
    if results:
        show(results)
    print("".join(f"{note}\n" for note in notes), end="", file=sys.stderr)
    sys.exit(status)


def groups_explained() -> str:
    """Return a line for each group, and one for all of them."""
    lines = {group.name: group.title for group in GROUPS.values()}
    lines["all"] = "all of these, but with the GIL not "
    lines["all"] += ", ".join(group.name for group in GROUPS.values() if group.without_gil)
    for name in lines:
        if how_long := table.how_long([GROUPS[each] for each in chosen([name])], PROCESSES):
            lines[name] += f" ({how_long})"
    return "\n".join(["groups:", *(f"  {name:12}{text}" for name, text in lines.items())])


def chosen(names: Sequence[str]) -> list[str]:
    """Return the names of these groups in their order, with those that `all` means on this Python."""
    in_all = [group.name for group in GROUPS.values() if "all" in names and not (group.without_gil and gil_enabled())]
    return [name for name in GROUPS if name in names or name in in_all]


def show_files(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench table", description="Show results again.")
    parser.add_argument("files", nargs="+", metavar="FILE", help="that `python -m bench -o FILE` has written")
    for results in map(load, parser.parse_args(argv).files):
        show(results)


def show(results: Results) -> None:
    """Print a table for each group, and how exact they are."""
    print(f"CPython {results.python} on {results.machine}; fastcounter {results.package}\n")
    for group in GROUPS.values():
        if lines := table.screen(group, results):
            print(f"{group.title}\n\n{lines}\n")
            if note := table.rounds_left_out(group, [results]):
                print(f"{note}\n")
    print(*table.summary(results), sep="\n")
    if [*results.groups] == ["article"]:
        print("More: python -m bench --help; everything, and a file of it: python -m bench all -o FILE")


if __name__ == "__main__":
    main(sys.argv[1:])
