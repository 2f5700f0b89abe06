"""Fork while four threads use a counter, and check that each child can use its copy.

python tests/scripts/forks.py --forks 20000
python tests/scripts/forks.py --classes FastReadCounter --sizes large
"""

import signal
import sys
import threading
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import CLASSES, read_count, script_parser, status_of_child

SIZES = {"small": 1000, "large": 2**70}
HUNG = -signal.SIGALRM


def main():
    parser = script_parser(__doc__)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES), help="of counts (default: both)")
    parser.add_argument("--forks", type=int, default=1000, help="for each class and size (default: 1000)")
    parser.add_argument("--patience", type=int, default=10, help="seconds until a child is hung (default: 10)")
    parser.add_argument("--first", action="store_true", help="stop at the first child that is hung or wrong")
    args = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12: a fork while there are threads
    sys.setswitchinterval(1e-6)
    bad = 0
    for name in args.classes:
        for size in args.sizes:
            outcomes = fork_many(CLASSES[name], SIZES[size], args)
            hung = outcomes.count(HUNG)
            wrong = len(outcomes) - outcomes.count(0) - hung
            print(f"{name}, {size} counts: {len(outcomes)} forks, {hung} hung, {wrong} wrong", flush=True)
            bad += hung + wrong
    sys.exit(bad > 0)


def fork_many(counter_class, size, args):
    """The outcome of each child: 0 if it was right, HUNG, or the status or signal that it ended with."""
    counter = counter_class()
    stop = threading.Event()
    threads = [threading.Thread(target=use, args=(counter, size, stop)) for _ in range(4)]
    for thread in threads:
        thread.start()
    outcomes = []
    try:
        while len(outcomes) < args.forks and not (args.first and any(outcomes)):
            outcomes.append(status_of_child(lambda: counts_on(counter), args.patience))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return outcomes


def use(counter, size, stop):
    complete = hasattr(counter, "reset")  # unlike the originals
    while not stop.is_set():
        counter.increment()
        read_count(counter)
        if complete:
            counter.add(size)
            counter.reset()


def counts_on(counter):
    before = read_count(counter)
    counter.increment()
    return read_count(counter) == before + 1


if __name__ == "__main__":
    main()
