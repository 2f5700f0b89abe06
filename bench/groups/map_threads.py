"""What threads do with a CounterMap at the same time: updates of many labels, and resets while others count."""

from typing import Any

from bench.concurrent import Resets
from bench.group import Group

group = Group(
    "map-threads",
    "A CounterMap and threads, without the GIL",
    "Threads count a text without waiting for each other. A reset waits until each thread has come to a point where it "
    "can stop, and so until it has had a processor.",
    ["first", "second"],
    ["first / second"],
    rounds=20,
    seconds=0.01,
    extension=None,
    without_gil=True,
    takes=12,
)

words = "words = [f'word {number * 7919 % 5000}' for number in range(100_000)]; lock = threading.Lock(); "
words += "import collections"
update: dict[str, Any] = {"way": "all-labels", "setup": words, "times": 1, "in_c": 100_000}
code = "with lock: counter.update(words)"
locked = group.concurrent(
    "map-threads locked-Counter update", code, "collections.Counter()", (1, 2), waits=True, **update
)
code, counter = "counter.update(words)", "fastcounter.CounterMap()"
ours = group.concurrent("map-threads CounterMap compiled update", code, counter, (1, 2), ours=True, **update)
for index, threads in enumerate(("one thread", "two threads at once")):
    label = f"update() by {threads}, a word: a Counter and a lock / a CounterMap"
    group.row(label, [locked[index], ours[index]], (locked[index], ours[index]))

alone, *beside = (
    group.add(f"map-threads reset-{threads} compiled", Resets, counter, threads, ours=True) for threads in (0, 1, 4)
)
for name, threads in zip(beside, ("a thread that counts", "four"), strict=True):
    group.row(f"reset() of 100 labels beside {threads} / beside none", [name, alone], (name, alone))
