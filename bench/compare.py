"""Compare two files of results: `python -m bench compare OLD NEW`."""

import argparse
import sys
from collections.abc import Sequence

from tabulate import tabulate

from bench.calls import floor_of
from bench.results import Unusable, load


def main(argv: Sequence[str]) -> None:
    about = "Show how many times the floor each operation takes in two files, and how many times the old the new is."
    parser = argparse.ArgumentParser(prog="python -m bench compare", description=about)
    parser.add_argument("files", nargs=2, metavar=("OLD", "NEW"))
    parser.add_argument("--fail-above", type=float, metavar="PERCENT", help="exit 1 if anything is slower by more")
    args = parser.parse_args(argv)
    old, new = map(load, args.files)

    rows, slower = [], []
    for group in sorted(old.groups.keys() & new.groups):
        for name in (name for name in old.of(group).runs if " compiled" in name):
            before, after = (results.of(group).ratio(name, *floor_of(name)) for results in (old, new))
            if before and after:
                change = after.over(before)
                verdict = "slower" if change.low > 1 else "faster" if change.high < 1 else ""
                rows.append([group, name, before, after, change, verdict])
                if args.fail_above is not None and change.low > 1 + args.fail_above / 100:
                    slower.append(name)
    if not rows:
        raise Unusable("these files have nothing in common that was timed beside the floor")
    print(tabulate(rows, ["group", "operation", "old, times the floor", "new", "new / old", ""], disable_numparse=True))
    if slower:
        sys.exit(f"More than {args.fail_above:g} % slower: {', '.join(slower)}")
