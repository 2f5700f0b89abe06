"""Fork while four threads use a counter or a CounterMap, and check that each child can use its copy.

For a SharedCounterMap, shared_map.py does it.

python tests/scripts/forks.py --forks 20000
python tests/scripts/forks.py --classes CounterMap --sizes large
"""

import collections
import signal
import sys
import threading
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastcounter import CounterMap
from helpers import CLASSES, COMPILED, Child, read_count, script_parser

SIZES = {"small": 1000, "large": 2**70}
HUNG = -signal.SIGALRM


def main():
    parser = script_parser(__doc__, [*COMPILED, CounterMap])
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


def fork_many(cls, size, args):
    """The outcome of each child: 0 if it was right, HUNG, or the status or signal that it ended with."""
    used = Map(size) if cls is CounterMap else Counter(cls, size)
    stop = threading.Event()
    threads = [threading.Thread(target=used.use, args=(stop,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    outcomes = []
    try:
        while len(outcomes) < args.forks and not (args.first and any(outcomes)):
            outcomes.append(Child(used.check, patience=args.patience).wait())
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return outcomes


class Counter:
    """A counter that the threads add to, read and reset."""

    def __init__(self, counter_class, size):
        self.counter, self.size = counter_class(), size

    def use(self, stop):
        counter, size = self.counter, self.size
        complete = hasattr(counter, "reset")  # unlike the originals
        while not stop.is_set():
            counter.increment()
            read_count(counter)
            if complete:
                counter.add(size)
                counter.reset()

    def check(self):
        before = read_count(self.counter)
        self.counter.increment()
        assert read_count(self.counter) == before + 1


class Map:
    """A map that the threads add labels to, and empty before long, so that it always grows."""

    def __init__(self, size):
        self.counts, self.size = CounterMap(), size

    def use(self, stop):
        counts = self.counts
        while not stop.is_set():
            for number in range(300):
                counts.increment(number)
                counts.add("sized", self.size)
            counts.reset()

    def check(self):
        counts = self.counts
        expected = collections.Counter(dict(counts))
        for number in range(400):
            counts.increment(number)
        counts.add("sized", self.size)
        expected.update({**dict.fromkeys(range(400), 1), "sized": self.size})
        assert counts == expected
        assert len(counts) == len(set(counts)) == 401
        assert counts.reset() == expected


if __name__ == "__main__":
    main()
