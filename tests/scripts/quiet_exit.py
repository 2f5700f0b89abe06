"""End while two SharedCounters are alive, which threads of this process and of two children have used.

python tests/scripts/quiet_exit.py cycle spawn
"""

import argparse
import multiprocessing
import os
import sys
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastcounter import SharedCounter
from helpers import run_processes, run_threads


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", choices=PLACES, help="what refers to the counters at the end, in each process")
    parser.add_argument("method", choices=multiprocessing.get_all_start_methods())
    args = parser.parse_args()
    memory = SharedMemory(create=True, size=64)
    own, other = SharedCounter(), SharedCounter(memory)
    context = multiprocessing.get_context(args.method)
    run_processes(*(context.Process(target=use, args=(args.place, own, other, memory)) for _ in range(2)))
    print(f"{own.value} {other.value}", os.getpid(), memory.name.lstrip("/"), sep="\n")
    use(args.place, own, other, memory)
    memory.unlink()


def use(place, own, other, memory):
    def count():
        for _ in range(1000):
            own.increment()
            other.increment()

    run_threads(count, count, count)
    own.increment()
    other.increment()
    PLACES[place](SimpleNamespace(own=own, other=other, memory=memory))


def keep_as_globals(used):
    globals().update(vars(used))


def keep_as_attributes(used):
    global kept
    kept = used


def keep_in_a_cycle(used):
    used.itself = used.memory.used = used


def keep_in_a_cycle_with_the_module(used):
    global kept
    kept = used
    used.itself, used.module, used.function = used, sys.modules[__name__], use


PLACES = {
    "global": keep_as_globals,
    "attribute": keep_as_attributes,
    "cycle": keep_in_a_cycle,
    "module": keep_in_a_cycle_with_the_module,
}

if __name__ == "__main__":
    main()
