"""Print the size of FastWriteCounters after several threads have used them, in turn or at once.

python tests/scripts/stripes.py --counters 10000 --threads 8 --processors 64
python tests/scripts/stripes.py --threads 8 --at-once
"""

import argparse
import os
import sys
import time
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counters", type=int, default=1, help="how many (default: 1)")
    parser.add_argument("--threads", type=int, default=2, help="that use each of them (default: 2)")
    parser.add_argument("--processors", type=int, default=64, help="that the package shall see (default: 64)")
    parser.add_argument("--at-once", action="store_true", help="until the stripes grow, or for 30 seconds")
    args = parser.parse_args()
    os.cpu_count = lambda: args.processors
    from fastcounter import FastWriteCounter
    from helpers import run_threads

    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    counters = [FastWriteCounter() for _ in range(args.counters)]

    def use():
        for counter in counters:
            counter.increment()

    def use_often():
        for _ in range(1000):
            use()

    def bytes_each():
        return (tracemalloc.get_traced_memory()[0] - before) // args.counters

    for _ in range(args.threads):
        run_threads(use)
    expected = args.threads
    print(f"{bytes_each()} bytes a counter")
    end = time.monotonic() + 30
    few = bytes_each() + 1000
    while args.at_once and bytes_each() < few and time.monotonic() < end:
        run_threads(*[use_often] * args.threads)
        expected += 1000 * args.threads
    assert all(counter.value() == expected for counter in counters)
    print(f"{args.threads} threads, nothing lost, {bytes_each()} bytes a counter")


if __name__ == "__main__":
    main()
