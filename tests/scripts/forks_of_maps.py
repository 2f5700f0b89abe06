"""Fork while four threads add labels to a map, and check that each child can use its copy.

python tests/scripts/forks_of_maps.py --forks 20000
"""

import argparse
import signal
import sys
import threading
import warnings
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastcounter import CounterMap
from helpers import status_of_child


class Maps:
    """A map that the threads add labels to, and replace by a new one before long, so that it always grows."""

    def __init__(self):
        self.counts = CounterMap()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forks", type=int, default=1000, help="how often (default: 1000)")
    parser.add_argument("--patience", type=int, default=10, help="seconds until a child is hung (default: 10)")
    args = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12: a fork while there are threads
    sys.setswitchinterval(1e-6)
    maps, stop = Maps(), threading.Event()
    threads = [threading.Thread(target=use, args=(maps, stop)) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        outcomes = [status_of_child(partial(counts_on, maps.counts), args.patience) for _ in range(args.forks)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    hung = outcomes.count(-signal.SIGALRM)
    wrong = len(outcomes) - outcomes.count(0) - hung
    print(f"{len(outcomes)} forks, {hung} hung, {wrong} wrong")
    sys.exit(hung + wrong > 0)


def use(maps, stop):
    while not stop.is_set():
        counts = maps.counts
        for number in range(300):
            counts.increment(number)
            counts.add("large", 2**70)
        maps.counts = CounterMap()


def counts_on(counts):
    before = dict(counts)
    for number in range(400):
        counts.increment(number)
    counts.add("large", 2**70)
    right = all(counts[number] == before.get(number, 0) + 1 for number in range(400))
    right = right and counts["large"] == before.get("large", 0) + 2**70
    return right and len(counts) == len(set(counts)) == 401


if __name__ == "__main__":
    main()
