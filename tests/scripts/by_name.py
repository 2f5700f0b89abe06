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
from helpers import CLASSES, EXACT, name_of, read_count, run_threads, script_parser

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
        counter_class = SharedCounter if name == "SharedCounter" else CLASSES[name]
        for kind in (
            counter_class,
            type("Subclass", (counter_class,), {"__slots__": ()}),
            type("Sub", (counter_class,), {}),
        ):
            count_by_name(kind, args.increments // (1 if kind is counter_class else 10), args.forks // 3)
        print(f"{name}: nothing lost", flush=True)


def make(counter_class):
    return counter_class(bytearray(8)) if issubclass(counter_class, SharedCounter) else counter_class()


def count_by_name(counter_class, increments, forks):
    global COUNTER
    COUNTER = make(counter_class)
    slot, attribute, items = Slot(), Attribute(), {"counter": COUNTER}
    slot.counter = attribute.counter = COUNTER
    each = increments // 4
    finished = threading.Event()
    dropped = [make(counter_class)]

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
            dropped[0] = make(counter_class)
            dropped[0].increment()

    def use_dropped():
        while not finished.is_set():
            dropped[0].increment()
            read_count(dropped[0])

    def fork():
        for _ in range(forks if hasattr(os, "fork") else 0):
            fork_once()

    run_threads(write, collect, make_and_drop, use_dropped, fork)
    assert read_count(COUNTER) == 4 * each, f"{name_of(counter_class)}: {read_count(COUNTER)} instead of {4 * each}"


def fork_once():
    """A child goes on counting in its copy, or in the memory that it shares, and collects garbage."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            before = read_count(COUNTER)
            COUNTER.add(5)
            COUNTER.add(-5)
            gc.collect()
            COUNTER.increment()
            status = int(read_count(COUNTER) != before + 1)
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, f"a child ended with {status}"


if __name__ == "__main__":
    main()
