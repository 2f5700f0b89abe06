"""Increment one counter from threads that reach it by different names, while other threads collect garbage and drop
counters, and check that nothing was lost.

python tests/scripts/by_name.py --increments 10_000_000
python tests/scripts/by_name.py --forks 1000
"""

import gc
import os
import sys
import threading
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastcounter import SharedCounter
from helpers import CLASSES, EXACT, Child, instance_of, name_of, read_count, run_threads, script_parser

COUNTER = None


class Slot:
    __slots__ = ("counter",)


class Attribute:
    pass


def main():
    parser = script_parser(__doc__, [*EXACT, SharedCounter])
    parser.add_argument("--increments", type=int, default=1_000_000, help="for each class; a tenth for a subclass")
    parser.add_argument("--forks", type=int, default=20, help="meanwhile, for each class; not on Windows")
    args = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12: a fork while there are threads
    for name in args.classes:
        counter_class = CLASSES[name]
        for kind in (
            counter_class,
            type("Subclass", (counter_class,), {"__slots__": ()}),
            type("Sub", (counter_class,), {}),
        ):
            count_by_name(kind, args.increments // (1 if kind is counter_class else 10), args.forks // 3)
        print(f"{name}: nothing lost", flush=True)


def count_by_name(counter_class, increments, forks):
    global COUNTER
    COUNTER = instance_of(counter_class)
    slot, attribute, items = Slot(), Attribute(), {"counter": COUNTER}
    slot.counter = attribute.counter = COUNTER
    each = increments // 4
    finished = threading.Event()
    dropped = [instance_of(counter_class)]

    def by_global():
        for _ in range(each):
            COUNTER.increment()

    def by_slot():
        for _ in range(each):
            slot.counter.increment()

    def by_attribute():
        for _ in range(each):
            attribute.counter.increment()

    def by_item():
        for _ in range(each):
            items["counter"].increment()

    def write():
        try:
            run_threads(by_global, by_slot, by_attribute, by_item)
        finally:
            finished.set()

    def collect():
        while not finished.is_set():
            gc.collect()

    def make_and_drop():
        while not finished.is_set():
            dropped[0] = instance_of(counter_class)
            dropped[0].increment()

    def use_dropped():
        while not finished.is_set():
            dropped[0].increment()
            read_count(dropped[0])

    def fork():
        for _ in range(forks if hasattr(os, "fork") else 0):
            status = Child(count_on).wait()
            assert status == 0, f"a child ended with {status}"

    run_threads(write, collect, make_and_drop, use_dropped, fork)
    assert read_count(COUNTER) == 4 * each, f"{name_of(counter_class)}: {read_count(COUNTER)} instead of {4 * each}"


def count_on():
    """Go on counting in a child, in its copy or in the memory that it shares, and collect garbage."""
    before = read_count(COUNTER)
    COUNTER.add(5)
    COUNTER.add(-5)
    gc.collect()
    COUNTER.increment()
    assert read_count(COUNTER) == before + 1


if __name__ == "__main__":
    main()
