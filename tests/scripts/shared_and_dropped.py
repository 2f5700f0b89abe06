"""Make counters, use each in two threads and drop it, again and again.  Print the process's memory after each round.

python tests/scripts/shared_and_dropped.py --counters 100000 --rounds 20
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastcounter import FastReadCounter, FastWriteCounter
from helpers import resident, run_threads


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counters", type=int, default=20_000, help="in a round (default: 20,000)")
    parser.add_argument("--rounds", type=int, default=6, help="(default: 6)")
    args = parser.parse_args()
    for _ in range(args.rounds):
        for _ in range(args.counters // 200):
            use_and_drop([kind() for kind in (FastReadCounter, FastWriteCounter) for _ in range(100)])
        print(resident(), flush=True)


def use_and_drop(counters):
    def use():
        for counter in counters:
            counter.increment()

    run_threads(use, use)


if __name__ == "__main__":
    main()
