"""Use counters from many threads at once, for as long as you like, and check that nothing was lost.

python tests/stress.py --seconds 600
python tests/stress.py --increments 100_000_000
"""

import argparse
import copy
import itertools
import pickle
import random
import sys
import sysconfig
import threading
import time

from fastcounter import FastReadCounter, FastWriteCounter, SingleThreadCounter, compat

GIL_BUILD = not sysconfig.get_config_var("Py_GIL_DISABLED")
EXACT = [FastReadCounter, FastWriteCounter, compat.FastReadCounter, compat.FastWriteCounter]
LOSING = [SingleThreadCounter, compat.Counter]
CHUNK = 10_000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="how long to go on (default: 10)")
    parser.add_argument("--increments", type=int, help="count so far instead, with readers and resets beside it")
    parser.add_argument("--threads", type=int, default=4)
    args = parser.parse_args()
    sys.setswitchinterval(1e-5)
    if args.increments:
        count_far(args.increments, args.threads)
        return
    end = time.monotonic() + args.seconds
    for number in itertools.count(1):
        for cls in EXACT + LOSING:
            mix(cls, args.threads, exact=GIL_BUILD or cls in EXACT)
            if time.monotonic() > end:
                print(f"\r{number} rounds, nothing lost".ljust(70))
                return
        show(1 - (end - time.monotonic()) / args.seconds, f"round {number}")


def show(part, text):
    if part < 1 and not sys.stdout.isatty():
        return
    bar = "#" * round(40 * part)
    print(f"\r[{bar:40}] {part:4.0%} {text}", end="" if part < 1 else "\n", flush=True)


def start_together(functions):
    """Run each function in a thread; return what they return, or raise what one of them raised."""
    barrier = threading.Barrier(len(functions))
    results = [None] * len(functions)
    errors = []

    def work(index, function):
        barrier.wait()
        try:
            results[index] = function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=item) for item in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def read(counter):
    return counter.value() if callable(counter.value) else counter.value


def mix(cls, threads, exact):
    """Writers, resetters, readers, copiers and pickles on counters that are dropped meanwhile."""
    start = random.choice([0, 250, 2**30 - 50, 2**56 - 2**20, 2**62 - 50, -(2**62), 2**90])
    counter = cls(start)
    holder = [counter]
    amounts = [1, -1, 2**20, 2**31, -(2**32), 2**33, 2**63, -(2**90)]

    def write():
        own = random.Random()
        total = 0
        for _ in range(300):
            amount = own.choice(amounts)
            counter.add(amount)
            counter.increment()
            total += amount + 1
        return total

    def reset():
        return -sum(counter.reset() for _ in range(100))

    def look():
        for _ in range(100):
            value = read(counter)
            text = str(value)
            copies = copy.copy(counter), pickle.loads(pickle.dumps(counter))
            assert all(isinstance(read(one), int) for one in copies)
            assert str(value) == text, "a value once read has changed"
        return 0

    def drop():
        for _ in range(300):
            holder[0] = cls(2**40)
            holder[0].increment()
            holder[0].reset()
        return 0

    functions = [write] * threads + [reset, reset, look, look, drop, drop]
    expected = start + sum(start_together(functions))
    if exact:
        assert read(counter) == expected, f"{cls.__name__}: {read(counter)} instead of {expected}"


def count_far(increments, threads):
    """So many increments by all threads together, with a reader and a resetter beside them."""
    for cls in (FastReadCounter, FastWriteCounter):
        counter = cls()
        chunks = iter(range(0, increments, CHUNK))
        lock = threading.Lock()
        finished = threading.Event()

        def write(cls=cls, counter=counter, chunks=chunks, lock=lock):
            while True:
                with lock:
                    done = next(chunks, None)
                if done is None:
                    return 0
                if done % (100 * CHUNK) == 0:
                    show(done / increments, cls.__name__)
                for _ in range(min(CHUNK, increments - done)):
                    counter.increment()

        def reset(counter=counter, finished=finished):
            total = 0
            while not finished.is_set():
                total += counter.reset()
                time.sleep(0.001)
            return total

        def look(counter=counter, finished=finished):
            while not finished.is_set():
                assert 0 <= read(counter) <= increments
                time.sleep(0.001)
            return 0

        def write_all(write=write, finished=finished):
            try:
                start_together([write] * threads)
            finally:
                finished.set()
            return 0

        total = sum(start_together([write_all, reset, look])) + read(counter)
        assert total == increments, f"{cls.__name__}: {total} instead of {increments}"
        show(1, f"{cls.__name__}: {total:,} increments, none lost")


if __name__ == "__main__":
    main()
