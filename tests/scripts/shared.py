"""Count in a SharedCounter from other processes, some of which are killed meanwhile.

python tests/scripts/shared.py count FILE OFFSET TIMES
python tests/scripts/shared.py edge FILE OFFSET
python tests/scripts/shared.py record FILE SLOT
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastcounter import SharedCounter
from helpers import count_until_killed, map_file


def main():
    task, name, *numbers = sys.argv[1:]
    TASKS[task](name, *map(int, numbers))


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


def record(path, slot):
    """Until killed, increment the first counter, and record each increment in a counter of this process."""
    memory = map_file(path)
    total, own = SharedCounter(memory), SharedCounter(memory, 64 * slot)
    print("ready", flush=True)
    count_until_killed([total], [own])


TASKS = {"count": count, "edge": edge, "record": record}

if __name__ == "__main__":
    main()
