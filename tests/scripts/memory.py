"""Run each scenario many times, and check that it frees all the memory that it allocates.

Python's own blocks are counted here; the rest is seen under a leak sanitizer.
"""

import contextlib
import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import CHANGES, CLASSES, COMPILED, MAPS, instance_of, script_parser

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


def count_by_label(map_class):
    counts = instance_of(map_class)
    for number in range(20):
        counts.increment(number)
        counts.add(("label", f"{number}"), 2**40)
    assert counts.total() == 20 + 20 * 2**40
    assert len(counts.most_common(50)) == len(dict(counts)) == 40
    assert len(counts.reset()) == 40
    counts.update("abca")


def fail_to_count(map_class):
    counts = instance_of(map_class)
    for call in (counts.increment, counts.update, counts.__contains__, map_class):
        with contextlib.suppress(TypeError):
            call([[]])
    with contextlib.suppress(OverflowError, ValueError):
        counts.add("a long label" * 1000, 2**70)


def subclass_map(map_class):
    class Sub(map_class):
        pass

    counts = instance_of(Sub)
    counts.itself = counts
    counts.increment("a")


COUNTER_SCENARIOS = (make, make_large, change_in_place, change_while_read, change, assign, fail, subclass)
MAP_SCENARIOS = (count_by_label, fail_to_count, subclass_map)


def main():
    parser = script_parser(__doc__, [*COMPILED, *MAPS])
    names = [scenario.__name__ for scenario in COUNTER_SCENARIOS + MAP_SCENARIOS]
    parser.add_argument("--scenarios", nargs="+", choices=names, default=names, help="(default: all)")
    parser.add_argument("--times", type=int, default=2000, help="to run each (default: 2000)")
    args = parser.parse_args()
    failed = False
    for class_name in args.classes:
        cls = CLASSES[class_name]
        for scenario in MAP_SCENARIOS if cls in MAPS else COUNTER_SCENARIOS:
            if scenario.__name__ in args.scenarios:
                blocks = growth(scenario, cls, args.times)
                print(f"{class_name}, {scenario.__name__}: {blocks} blocks left over", flush=True)
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
