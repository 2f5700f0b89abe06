"""End the interpreter while daemon threads use a counter."""

import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import CLASSES, script_parser


def main():
    args = script_parser(__doc__).parse_args()
    for name in args.classes:
        counter = CLASSES[name](2**62)
        for _ in range(4):
            threading.Thread(target=use, args=(counter,), daemon=True).start()
    time.sleep(0.1)
    print("ending")


def use(counter):
    while True:
        counter.increment()
        counter.add(2**40)
        int(counter)


if __name__ == "__main__":
    main()
