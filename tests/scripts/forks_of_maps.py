"""Fork while four threads add labels to a map, and check that each child can use its copy.

python tests/scripts/forks_of_maps.py --forks 20000
"""

import argparse
import os
import signal
import sys
import threading
import warnings

from fastcounter import CounterMap


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
        outcomes = [fork_once(maps.counts, args.patience) for _ in range(args.forks)]
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


def fork_once(counts, patience):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        signal.alarm(patience)
        before = dict(counts)
        for number in range(400):
            counts.increment(number)
        counts.add("large", 2**70)
        right = all(counts[number] == before.get(number, 0) + 1 for number in range(400))
        right = right and counts["large"] == before.get("large", 0) + 2**70
        right = right and len(counts) == len(set(counts)) == 401
        status = int(not right)
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
