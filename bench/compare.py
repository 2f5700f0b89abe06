"""Compare two files of results: `python -m bench compare OLD NEW`."""

import argparse
import sys

from tabulate import tabulate

from bench import estimate
from bench.groups import GROUPS, floor_of
from bench.results import Unreadable, load


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench compare",
        description="Show each operation's multiple of the floor in two files, and how many times the old the new is.",
    )
    parser.add_argument("old", metavar="OLD")
    parser.add_argument("new", metavar="NEW")
    parser.add_argument(
        "--fail-above", type=float, metavar="PERCENT", help="exit 1 where something is slower by more, for certain"
    )
    args = parser.parse_args(argv)
    old, new = load(args.old), load(args.new)

    rows, slower = [], []
    for group, name in ((each, name) for each in GROUPS for name in old.of(each).runs if " compiled" in name):
        before, after = (results.of(group).ratios(name, *floor_of(name)) for results in (old, new))
        if not before or not after:
            continue
        change = estimate.of_change(before, after)
        verdict = "slower" if change.low > 1 else "faster" if change.high < 1 else ""
        rows.append([group, name, *map(estimate.of_processes, (before, after)), change, verdict])
        if args.fail_above is not None and change.low > 1 + args.fail_above / 100:
            slower.append(name)
    if not rows:
        raise Unreadable(f"{args.old} and {args.new} have no operation in common that was timed beside the floor")
    print(tabulate(rows, ["group", "operation", "old, times the floor", "new", "new / old", ""], disable_numparse=True))
    if slower:
        sys.exit(f"More than {args.fail_above:g} % slower: {', '.join(slower)}")
