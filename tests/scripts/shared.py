"""Count in a SharedCounter from other processes, some of which are killed meanwhile.

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
    """Add until the count would overflow, and print how many additions that took."""
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
    """Until killed, increment the first counter, and record each increment in a counter of this process."""
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
