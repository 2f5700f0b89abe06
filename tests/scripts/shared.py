"""What other processes do with a SharedCounter: count, and be killed while they do.

python tests/scripts/shared.py count FILE OFFSET TIMES
python tests/scripts/shared.py edge FILE OFFSET
python tests/scripts/shared.py report FILE SLOT
"""

import mmap
import sys

from fastcounter import SharedCounter


def main():
    task, name, *numbers = sys.argv[1:]
    TASKS[task](name, *map(int, numbers))


def map_file(path):
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def count(path, offset, times):
    counter = SharedCounter(map_file(path), offset)
    for _ in range(times):
        counter.increment()
        counter.add(3)
        counter -= 3


def edge(path, offset):
    """Add until nothing more can be added, and print how many times that was."""
    counter = SharedCounter(map_file(path), offset)
    added = 0
    while True:
        try:
            counter.increment()
        except OverflowError:
            print(added)
            return
        added += 1


def report(path, slot):
    """Count in the first counter, and write down how often in the one of this process, until killed."""
    memory = map_file(path)
    total = SharedCounter(memory)
    own = SharedCounter(memory, 64 * slot)
    print("ready", flush=True)
    while True:
        total.increment()
        own.increment()


TASKS = {"count": count, "edge": edge, "report": report}

if __name__ == "__main__":
    main()
