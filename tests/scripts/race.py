"""Race: one thread overwrites the memory of a SharedCounter while another counts in it.

The thread sanitizer has to report that.  This shows that it instruments the compiled code at all.
"""

import sys
from array import array
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastcounter import SharedCounter
from helpers import run_threads

TIMES = 100_000


def main():
    memory = array("q", [0])
    counter = SharedCounter(memory)

    def count():
        for _ in range(TIMES):
            counter.increment()

    def overwrite():
        for number in range(TIMES):
            memory[0] = number

    run_threads(count, overwrite)


if __name__ == "__main__":
    main()
