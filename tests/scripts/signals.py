"""Use a counter in a loop, and in a signal handler that interrupts the loop anywhere.

A counter with a lock that a handler can find taken hangs here.
"""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import CLASSES, read_count, script_parser


def main():
    parser = script_parser(__doc__)
    parser.add_argument("--signals", type=int, default=1000, help="for each class (default: 1000)")
    args = parser.parse_args()
    for name in args.classes:
        interrupt(CLASSES[name](), args.signals)
        print(f"{name}: {args.signals} signals handled", flush=True)


def interrupt(counter, signals):
    handled = []

    def handler(_number, _frame):
        counter.increment()
        handled.append(read_count(counter))
        if len(handled) < signals:
            signal.setitimer(signal.ITIMER_REAL, 0.0001)

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0001)
    increments = 0
    while len(handled) < signals:
        counter.increment()
        increments += 1
        read_count(counter)
    assert handled == sorted(handled), "a count went back"
    assert read_count(counter) == increments + signals, "an increment was lost"


if __name__ == "__main__":
    main()
