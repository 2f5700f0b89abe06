"""Try to break a SharedCounterMap, in ways that take a process of their own or a long time.

python tests/scripts/shared_map.py kills 2000       rounds of processes that are killed while they add labels
python tests/scripts/shared_map.py forks 2000       forks while threads add labels
python tests/scripts/shared_map.py damage 20000     memory with random damage
python tests/scripts/shared_map.py meanwhile 200    memory that another process damages while it is used
"""

import argparse
import contextlib
import faulthandler
import mmap
import os
import random
import signal
import struct
import sys
import threading
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastcounter import SharedCounter, SharedCounterMap
from helpers import Child, kill_at_any_moment

LINE = 64


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("number", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9), help="of what is random")
    args = parser.parse_args()
    print(f"{args.number} {args.task}, seed {args.seed}", flush=True)
    random.seed(args.seed)
    warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12: a fork while there are threads
    sys.setswitchinterval(1e-6)
    faulthandler.enable()
    TASKS[args.task](args.number)


# ---- Kills ----


def labels_of(number, round_number):
    """Labels that all processes of a round add, and labels of one process."""
    for index in range(10**9):
        yield f"label {index % 100}"
        if index < 300:
            yield (round_number, index)
            yield ("own", number, index * 2**70, "x" * (index % 90))


def count_until_killed(memory, own, number, round_number):
    """Record each increment in a count of this process, before and after."""
    counts = SharedCounterMap(memory)
    begun, ended = own
    for label in labels_of(number, round_number):
        begun.increment()
        counts.increment(label)
        ended.increment()
        if random.random() < 0.01:
            counts.total()


def kills(rounds):
    """Each increment that has returned is counted, and the one that was cut off at most once."""
    killed = 0
    for round_number in range(rounds):
        memory, numbers = mmap.mmap(-1, 2**21), mmap.mmap(-1, 4096)
        owns = [[SharedCounter(numbers, LINE * (2 * number + side)) for side in range(2)] for number in range(4)]
        children = [Child(count_until_killed, memory, own, number, round_number) for number, own in enumerate(owns)]
        for child in children:
            if random.random() < 0.2:
                os.kill(child.pid, signal.SIGSTOP)  # nobody waits for it
        kill_at_any_moment(*children)
        killed += [child.wait() for child in children].count(-signal.SIGKILL)
        begun, ended = (sum(own[side].value for own in owns) for side in range(2))
        for _ in range(2):
            counts = SharedCounterMap(memory)
            assert ended <= counts.total() <= begun, (ended, counts.total(), begun)
            assert counts.total() == sum(counts.values()) == sum(SharedCounterMap(memory).values())
            assert len(counts) == len(set(counts)) == len(list(counts))
            own_label = ("after", round_number)
            counts.increment(own_label)
            assert SharedCounterMap(memory)[own_label] == counts[own_label]
            begun, ended = begun + 1, ended + 1
    print(f"{killed} processes were killed")


# ---- Forks ----


def forks(number):
    """Each child can use its parent's map, whatever the parent's threads were doing.

    They reach the map by arguments: without the GIL, CPython locks a list or a closure's variable that threads use, and
    the child may find that lock taken.
    """
    memory = mmap.mmap(-1, 2**16 + 2**13 * number)
    shared = SharedCounterMap(memory)
    stop = threading.Event()

    def use(thread, counts):
        while not stop.is_set():
            for index in range(200):
                counts.increment((thread, index))
                counts.increment("shared")
            len(counts)  # takes in the labels of the children
            len(SharedCounterMap(memory))  # takes in all labels

    def check(child, counts):
        before = {label: counts[label] for label in list(counts)[:100]}
        for index in range(50):
            counts.increment(("child", child, index))
            counts.increment("shared")
        assert all(counts[label] >= count for label, count in before.items())
        assert [counts["child", child, index] for index in range(50)] == [1] * 50
        assert len(counts) <= len(set(counts))

    threads = [threading.Thread(target=use, args=(thread, shared)) for thread in range(4)]
    for thread in threads:
        thread.start()
    try:
        outcomes = [Child(check, child, shared, patience=60).wait() for child in range(number)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert outcomes == [0] * number, sorted(set(outcomes))
    counts = SharedCounterMap(memory)
    assert sum(count for label, count in counts.items() if label[0] == "child") == 50 * number


# ---- Damage ----

SIZE = 2**14


def a_log():
    """Memory with labels of all kinds."""
    memory = mmap.mmap(-1, SIZE)
    counts = SharedCounterMap(memory)
    for number in range(random.randrange(40)):
        label = random.choice(
            [number, str(number), b"b" * number, (number, ("a", -number)), "é" * number * 5, 2 ** (8 * number), ()]
        )
        counts.add(label, random.choice([1, 2**63 - 1, -(2**62)]) if label not in counts else 0)
    return memory


def numbers_near_limits():
    limit = random.choice([0, 48, 49, 64, 112, 255, 256, 65_535, 2**16, 2**31, 2**32, 2**62, 2**63, SIZE, SIZE // LINE])
    return (limit + random.randrange(-2, 3)) % 2**64


def damage_once(memory):
    """Change a word, some of its bits, or some bytes."""
    kind = random.randrange(5)
    line = LINE * random.randrange(1, SIZE // LINE) + 8
    length = random.choice([numbers_near_limits(), random.randrange(100)]) % 2**32
    lines = random.choice([(16 + length + 63) // 64, numbers_near_limits()]) % 2**31
    if kind == 0:
        struct.pack_into("=Q", memory, line, length | lines << 32 | random.randrange(2) << 63)
    elif kind == 1:
        struct.pack_into("=Q", memory, line, numbers_near_limits())
    elif kind == 2:
        struct.pack_into("=Q", memory, line, struct.unpack_from("=Q", memory, line)[0] ^ 1 << random.randrange(64))
    elif kind == 3:
        position = line + random.randrange(8, 56)
        memory[position] = random.choice([0, 1, 254, 255, *b"sb+-(", random.randrange(256)])
    else:
        start = random.randrange(LINE, SIZE - 100)
        memory[start : start + 100] = random.randbytes(100)


def use(counts):
    """Call everything.  It succeeds, or raises an error that says what is wrong."""
    calls = [
        lambda: counts.increment(random.choice(["a", 5, ("new", random.randrange(100))])),
        lambda: counts.add("x" * random.randrange(500), 2**60),
        lambda: counts["a"],
        lambda: [counts.get(label) for label in counts],
        lambda: list(counts.items()),
        lambda: len(counts),
        counts.total,
        counts.reset,
        lambda: repr(counts),
    ]
    for call in random.sample(calls, len(calls)):
        try:
            call()
        except (OverflowError, ValueError) as error:
            known = ["damaged: at offset", "no room for the label", "is not a signed 64-bit integer"]
            assert any(text in str(error) for text in known), error  # noqa: PT017


def damage(number):
    start = time.monotonic()
    for _ in range(number):
        memory = a_log()
        used = SharedCounterMap(memory)
        if random.random() < 0.5:
            len(used)
        for _ in range(random.choice([1, 1, 3, 50])):
            damage_once(memory)
        use(used)
        use(SharedCounterMap(memory))
        memory[:LINE] = random.randbytes(16) + memory[16:LINE]
        with contextlib.suppress(ValueError):
            SharedCounterMap(memory)
    print(f"{time.monotonic() - start:.0f} s")


def meanwhile(number):
    """Another process changes the memory at the same time."""

    def damage_for_ever(memory):
        while True:
            damage_once(memory)
            if random.random() < 0.02:
                memory[LINE:] = bytes(SIZE - LINE)

    for _ in range(number):
        memory = a_log()
        child = Child(damage_for_ever, memory, patience=60)
        for _ in range(20):
            counts = SharedCounterMap(memory)
            for _ in range(5):
                use(counts)
        child.kill()
        assert child.wait() == -signal.SIGKILL


TASKS = {"kills": kills, "forks": forks, "damage": damage, "meanwhile": meanwhile}

if __name__ == "__main__":
    main()
