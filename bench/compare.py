"""Compare two files of results: `python -m bench compare OLD NEW`."""

import argparse
import sys
from collections.abc import Sequence

from tabulate import tabulate

from bench.results import Unusable, load
from bench.table import amount


def main(argv: Sequence[str]) -> None:
    about = (
        "Compare fastcounter in two files: how many times its floor each operation takes, or its time if it has none."
    )
    parser = argparse.ArgumentParser(prog="python -m bench compare", description=about)
    parser.add_argument("old")
    parser.add_argument("new")
    about = "exit 1 if anything that has a floor is slower by more; mere times depend on how fast the machine was"
    parser.add_argument("--fail-above", type=float, metavar="PERCENT", help=about)
    args = parser.parse_args(argv)
    files = [load(args.old), load(args.new)]

    rows, slower, left_out = [], [], []
    for group in sorted(files[0].groups.keys() & files[1].groups):
        old, new = (results.of(group) for results in files)
        for name, floor in (old.ours() | new.ours()).items():
            before, after = (each.ratio(name, *floor) if floor else each.time(name) for each in (old, new))
            if not (before and after):
                left_out.append(name)
                continue
            change = after.over(before)
            verdict = "slower" if change.low > 1 else "faster" if change.high < 1 else ""
            cells = [each if floor else amount(each, new.facts(name).get("unit")) for each in (before, after)]
            rows.append([group, name, *cells, change, verdict])
            if floor and args.fail_above is not None and change.low > 1 + args.fail_above / 100:
                slower.append(name)
    if not rows:
        raise Unusable("these files have nothing of fastcounter's in common")
    headings = ["group", "operation", "old, times the floor or time", "new", "new / old", ""]
    print(tabulate(rows, headings, disable_numparse=True))
    if left_out:
        print(f"Not in both files, or in too few processes: {', '.join(left_out)}.")
    if slower:
        sys.exit(f"More than {args.fail_above:g} % slower: {', '.join(slower)}")
