"""Use counters and maps from many threads at once, for as long as you like, and check that nothing was lost.

python tests/scripts/stress.py --seconds 600
python tests/scripts/stress.py --increments 100_000_000
"""

import collections
import copy
import itertools
import pickle
import random
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastcounter import CounterMap, SharedCounter, SharedCounterMap, SingleThreadCounter, compat
from helpers import CLASSES, COMPAT, COMPILED, GIL_BUILD, name_of, read_count, run_threads, script_parser

MAY_LOSE = [] if GIL_BUILD else [SingleThreadCounter, compat.Counter]
CHUNK = 10_000


def main():
    parser = script_parser(__doc__, COMPILED + COMPAT)
    parser.add_argument("--seconds", type=float, default=10, help="how long to go on (default: 10)")
    parser.add_argument("--increments", type=int, help="count so far instead, with readers and resets beside it")
    parser.add_argument("--threads", type=int, default=4, help="that write (default: 4)")
    args = parser.parse_args()
    classes = [CLASSES[name] for name in args.classes]
    if args.increments:
        for counter_class in classes:
            if counter_class not in MAY_LOSE:
                count_far(counter_class, args.increments, args.threads)
        return
    end = time.monotonic() + args.seconds
    for number in itertools.count(1):
        share(args.threads)
        count_by_label(args.threads)
        share_by_label(args.threads)
        for counter_class in classes:
            mix(counter_class, args.threads)
            if time.monotonic() > end:
                print(f"\r{number} rounds, nothing lost".ljust(70))
                return
        show(1 - (end - time.monotonic()) / args.seconds, f"round {number}")


def show(part, text):
    if part < 1 and not sys.stdout.isatty():
        return
    bar = "#" * round(40 * part)
    print(f"\r[{bar:40}] {part:4.0%} {text}", end="" if part < 1 else "\n", flush=True)


def mix(counter_class, threads):
    """Write, reset, read, copy and pickle counters, while other threads drop them."""
    start = random.choice([0, 250, 2**30 - 50, 2**56 - 2**20, 2**62 - 50, -(2**62), 2**90])
    counter = counter_class(start)
    holder = [counter]
    amounts = [1, -1, 2**20, 2**31, -(2**32), 2**33, 2**63, -(2**90)]

    def write():
        own = random.Random()
        total = 0
        for _ in range(300):
            amount = own.choice(amounts)
            counter.add(amount)
            counter.increment()
            total += amount + 1
        return total

    def reset():
        return -sum(counter.reset() for _ in range(100))

    def look():
        for _ in range(100):
            value = read_count(counter)
            text = str(value)
            copies = copy.copy(counter), pickle.loads(pickle.dumps(counter))
            assert all(isinstance(read_count(one), int) for one in copies)
            assert str(value) == text, "a value once read has changed"
        return 0

    def drop():
        for _ in range(300):
            holder[0] = counter_class(2**40)
            holder[0].increment()
            holder[0].reset()
        return 0

    functions = [write] * threads + [reset, reset, look, look, drop, drop]
    expected = start + sum(run_threads(*functions))
    if counter_class not in MAY_LOSE:
        assert read_count(counter) == expected, f"{name_of(counter_class)}: {read_count(counter)} instead of {expected}"


def share(threads):
    """Write, reset and read one place in memory, each thread with a counter of its own."""
    memory = bytearray(8)

    def write():
        counter = SharedCounter(memory)
        for _ in range(300):
            counter.increment()
            counter.add(2)
            counter.add_and_get(-1)
        return 2 * 300

    def reset():
        counter = SharedCounter(memory)
        return -sum(counter.reset() for _ in range(100))

    def look():
        counter = SharedCounter(memory)
        assert all(counter.value >= -threads for _ in range(100))
        return 0

    expected = sum(run_threads(*[write] * threads, reset, look))
    assert SharedCounter(memory).value == expected


class Label:
    """A label that lets other threads run where it is compared, and has the hash of others."""

    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return self.number % 8

    def __eq__(self, other):
        time.sleep(0)
        return isinstance(other, Label) and self.number == other.number


def count_by_label(threads):
    """Write to a map, reset, read and copy it."""
    counts = CounterMap()
    labels = [label for number in range(20) for label in (number, f"{number}", ("label", number), Label(number))]
    mix_labels(lambda: counts, labels, [1, -1, 2**20, 2**63, -(2**90)], threads)


def share_by_label(threads):
    """Write to one map in memory, reset and read it, each thread by a map of its own."""
    memory = bytearray(64 * 1000)
    labels = [label for number in range(30) for label in (number, f"{number}", ("label", number))]
    mix_labels(lambda: SharedCounterMap(memory), labels, [1, -1, 2**20], threads)


def mix_labels(find, labels, amounts, threads):
    """Each addition is in one reset or left in the map.  `find` returns a map for a thread."""

    def write():
        counts, own, added = find(), random.Random(), collections.Counter()
        for _ in range(300):
            label, amount = own.choice(labels), own.choice(amounts)
            counts.add(label, amount)
            counts.increment(label)
            added[label] += amount + 1
        return added

    def reset():
        counts, taken = find(), collections.Counter()
        for _ in range(50):
            taken.subtract(counts.reset())
        return taken

    def look():
        counts = find()
        for _ in range(20):
            assert all(isinstance(count, int) for count in [*counts.values(), counts.total()])
            assert len(counts.most_common(3)) <= 3
            if isinstance(counts, CounterMap):
                assert set(copy.copy(counts)) <= set(labels)
        return {}

    left = collections.Counter()
    for counts in run_threads(*[write] * threads, reset, reset, look):
        left.update(counts)
    assert find() == left, f"{type(find()).__name__}: {dict(find())} instead of {left}"


def count_far(counter_class, increments, threads):
    """Increment so many times in all threads together, while one thread reads and one resets."""
    counter = counter_class()
    chunks = iter(range(0, increments, CHUNK))
    lock = threading.Lock()
    finished = threading.Event()

    def write():
        while True:
            with lock:
                done = next(chunks, None)
            if done is None:
                return
            if done % (100 * CHUNK) == 0:
                show(done / increments, name_of(counter_class))
            for _ in range(min(CHUNK, increments - done)):
                counter.increment()

    def write_all():
        try:
            run_threads(*[write] * threads)
        finally:
            finished.set()
        return 0

    def reset():
        total = 0
        while not finished.is_set():
            total += counter.reset()
            time.sleep(0.001)
        return total

    def look():
        while not finished.is_set():
            assert 0 <= read_count(counter) <= increments
            time.sleep(0.001)
        return 0

    total = sum(run_threads(write_all, reset, look)) + read_count(counter)
    assert total == increments, f"{name_of(counter_class)}: {total} instead of {increments}"
    show(1, f"{name_of(counter_class)}: {total:,} increments, none lost")


if __name__ == "__main__":
    main()
