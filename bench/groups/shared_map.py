"""Counting by label for all processes: a SharedCounterMap, and what programs use instead."""

import mmap
import struct
from functools import cache, partial
from typing import Any

from bench.blocks import Bytes
from bench.group import Group
from bench.groups.exporters import (
    counted_by,
    multiprocess,
    prometheus_counter,
    redis,
    scrape_of_shared_map,
    scrape_of_workers,
)
from fastcounter import SharedCounterMap

LINE = 64
MANY = 100_000
SIZE = LINE * (MANY + 2)  # a header, a record of a process that was killed, and many labels

group = Group(
    "shared-map",
    "Counting by label for all processes",
    "A label is as fast to count as in a map of one process, and a worker that has gone leaves nothing to be read.",
    ["first", "second"],
    ["first / second"],
    rounds=10,
    seconds=0.003,
    extension=None,
    takes=20,
)


def new_map() -> SharedCounterMap[str]:
    return SharedCounterMap(mmap.mmap(-1, SIZE))


def after_a_kill() -> SharedCounterMap[str]:
    """A map to which a process was adding a label of five bytes when it was killed: its record is never ready."""
    memory = mmap.mmap(-1, SIZE)
    counts = SharedCounterMap[str](memory)
    struct.pack_into("=qQ", memory, LINE, 0, 5 | 1 << 32)
    return counts


@cache
def counts_of_many() -> dict[str, int]:
    return {f"/{number}": 1 for number in range(MANY)}


@cache
def memory_of_many() -> mmap.mmap:
    """Memory of a map with many labels."""
    memory = mmap.mmap(-1, SIZE)
    SharedCounterMap[str](memory).update(counts_of_many())
    return memory


def bytes_used(workers: int) -> int:
    """The bytes that a map uses after so many workers have come and gone."""
    return int(repr(counted_by(workers)).partition(" of ")[0].rpartition(" ")[2])


def compare(label: str, first: str, second: str) -> None:
    """Add a row: both times, and the first over the second."""
    group.row(label, [first, second], (first, second))


code = "counter.increment('/')"
ours = group.statement("shared-map increment compiled", code, "fastcounter.SharedCounterMap(memory)", ours=True)
name = group.statement("shared-map CounterMap compiled", code, "fastcounter.CounterMap()", ours=True)
compare("increment(label) / that of a CounterMap", ours, name)

code = "counter['/'].increment()"
counter = "{'/': fastcounter.SharedCounter(memory)}"
name = group.statement("shared-map dict of SharedCounters compiled", code, counter, ours=True)
compare("a dict of SharedCounters / increment(label)", name, ours)
setup = """
class Counters(dict):
    def __missing__(self, label):
        return self.setdefault(label, fastcounter.SharedCounter(memory, 64 * len(self)))
"""
name = group.statement("shared-map SharedCounters compiled", code, "Counters()", setup, ours=True)
compare("a dict that adds SharedCounters / increment(label)", name, ours)

code, made = "counter.labels('/').inc()", partial(multiprocess, prometheus_counter)
name = group.statement("shared-map prometheus_client", code, setup=made)
compare("prometheus_client, labels().inc() / increment(label)", name, ours)

code = "with lock: counter['/'] += 1"
setup = "from os import fork; import multiprocessing; context = multiprocessing.get_context('fork'); "
setup += "manager = context.Manager(); lock = context.Lock(); counter = manager.dict({'/': 0})"
name = group.statement("shared-map Manager", code, setup=setup, times=5)
compare("Manager().dict() and a Lock / increment(label)", name, ours)

name = group.statement("shared-map redis", "counter.hincrby('counts', '/')", setup=redis, times=5)
compare("Redis HINCRBY, Unix socket / increment(label)", name, ours)

# shared-hashmap has no lock and so loses counts, and it keeps some memory of each call.
code, setup = "with counter.lock: counter['/'] += 1", "from UltraDict import UltraDict; counter = UltraDict({'/': 0})"
name = group.statement("shared-map UltraDict", code, setup=setup, times=20)
compare("UltraDict and its lock / increment(label)", name, ours)

names = [
    group.statement(f"shared-map read-{n} compiled", "dict(counter)", setup=partial(counted_by, n), ours=True, times=5)
    for n in (1000, 1)
]
compare("reading 100 labels after 1,000 workers / after one", *names)
names = [group.add(f"shared-map used-{n} compiled", Bytes, partial(bytes_used, n), ours=True) for n in (1000, 1)]
compare("memory used after 1,000 workers / after one", *names)

made = partial(scrape_of_workers, 1000)
first = group.statement("shared-map prometheus_client scrape-1000", "counter()", setup=made, times=1)
made = partial(scrape_of_shared_map, 1000)
second = group.statement("shared-map scrape-1000 compiled", "counter()", setup=made, ours=True, times=1)
compare("prometheus_client's scrape after 1,000 workers / ours", first, second)

code, setup = "counter.increment(next(labels))", "labels = itertools.cycle([f'/{number}' for number in range(200)])"
fresh: dict[str, Any] = {
    "setup": setup,
    "fresh": True,
    "times": 200,
    "ours": True,
}  # 200 labels are new, and then comes another map
counter = "fastcounter.SharedCounterMap(mmap.mmap(-1, 2**16))"
first = group.statement("shared-map new-label compiled", code, counter, **fresh)
second = group.statement("shared-map new-label CounterMap compiled", code, "fastcounter.CounterMap()", **fresh)
compare("a new label / that of a CounterMap", first, second)

once: dict[str, Any] = {"setup": "from bench.groups import shared_map as given", "times": 1, "ours": True}
code = f"assert len(counter(given.memory_of_many())) == {MANY}"
first = group.statement("shared-map attach compiled", code, "fastcounter.SharedCounterMap", **once)
code = f"assert len(counter(given.counts_of_many())) == {MANY}"
second = group.statement("shared-map attach CounterMap compiled", code, "fastcounter.CounterMap", **once)
compare("attaching to 100,000 labels / a CounterMap of a dict of them", first, second)

code = f"counter.update(given.counts_of_many().keys()); assert len(counter) == {MANY}"
first = group.statement("shared-map many-after-kill compiled", code, "given.after_a_kill()", fresh=True, **once)
second = group.statement("shared-map many compiled", code, "given.new_map()", fresh=True, **once)
compare("100,000 new labels after a kill between claim and ready / after none", first, second)
