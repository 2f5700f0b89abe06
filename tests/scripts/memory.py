"""Run each scenario many times, and check that it frees all the memory that it allocates.

Python's own blocks are counted here; the rest is seen under a leak sanitizer.
"""

import contextlib
import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import CHANGES, CLASSES, script_parser

TOLERATED = 50  # blocks of memory, since some caches grow


def make(counter_class):
    counter_class()


def make_large(counter_class):
    counter_class(2**200)


def change_in_place(counter_class):
    counter = counter_class(2**40)
    for _ in range(10):
        counter.increment()
        counter.add(5)
        counter.add(-3)


def change_while_read(counter_class):
    counter = counter_class(2**40)
    values = []
    for _ in range(10):
        counter.increment()
        values.append(int(counter))


def change(counter_class):
    for name, (takes, _) in CHANGES.items():
        for amount in (5, 2**70):
            counter = counter_class(2**40)
            if hasattr(counter, name):
                getattr(counter, name)(*[amount] * takes)


def assign(counter_class):
    counter = counter_class(2**40)
    with contextlib.suppress(AttributeError):  # a FastWriteCounter's cannot be assigned
        counter.value = 2**50
        counter.value += 1


def fail(counter_class):
    counter = counter_class(2**40)
    for call in (counter.add, counter.__iadd__, counter.__init__, counter_class):
        with contextlib.suppress(TypeError):
            call("1")


def subclass(counter_class):
    class Sub(counter_class):
        pass

    counter = Sub()
    counter.name = counter  # a reference cycle, which only the garbage collector frees
    counter.increment()


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (make, make_large, change_in_place, change_while_read, change, assign, fail, subclass)
}


def main():
    parser = script_parser(__doc__)
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="(default: all)")
    parser.add_argument("--times", type=int, default=2000, help="to run each (default: 2000)")
    args = parser.parse_args()
    failed = False
    for class_name in args.classes:
        for name in args.scenarios:
            blocks = growth(SCENARIOS[name], CLASSES[class_name], args.times)
            print(f"{class_name}, {name}: {blocks} blocks left over", flush=True)
            failed |= blocks > TOLERATED
    sys.exit(failed)


def growth(scenario, counter_class, times):
    """Return how many blocks of memory these runs of the scenario leak."""
    run(scenario, counter_class, 10)
    before = sys.getallocatedblocks()
    run(scenario, counter_class, times)
    return sys.getallocatedblocks() - before


def run(scenario, counter_class, times):
    for _ in range(times):
        scenario(counter_class)
    for _ in range(3):  # free-threaded builds free classes step by step
        gc.collect()


if __name__ == "__main__":
    main()
