"""Counting by label."""

from typing import Any

from bench.group import Group

group = Group(
    "labels",
    "Counting by label",
    "A CounterMap is the fastest to increment, and unlike a collections.Counter it loses no counts. Without the GIL a "
    "dict is faster to read, as it has the int that a CounterMap makes.",
    ratios=["times a CounterMap"],
)
setup = "import collections, floor; lock = threading.Lock()"
counted: dict[str, Any] = {"ours": True, "floor": ["labels floor"]}
ours = group.statement("labels CounterMap compiled", "counter.increment('/')", "fastcounter.CounterMap()", **counted)
group.compare("a CounterMap", ours, ours)

map_of_all = "fastcounter.SharedCounterMap(memory)"
name = group.statement("labels SharedCounterMap compiled", "counter.increment('/')", map_of_all, **counted)
group.compare("a SharedCounterMap", name, ours)

name = group.statement("labels FastReadCounter compiled", "counter['/'].increment()", "Labels()", setup, **counted)
group.compare("a dict of FastReadCounters", name, ours)

name = group.statement("labels collections.Counter", "counter['/'] += 1", "collections.Counter()", setup)
group.compare("a collections.Counter", name, ours)

name = group.statement("labels dict-and-lock", "with lock: counter['/'] += 1", "{'/': 0}", setup)
group.compare("a dict and a lock", name, ours)

name = group.statement("labels floor", "counter.method_with_argument('/')", "floor.Floor()", setup)
group.compare("a compiled method that does nothing", name, ours)

code = "counter.increment((method, path))"
names = "method, path = 'GET', '/'; " + setup
pair = group.statement("labels pair CounterMap compiled", code, "fastcounter.CounterMap()", names, **counted)
group.compare("a CounterMap, a pair of str", pair, pair)

name = group.statement("labels pair SharedCounterMap compiled", code, map_of_all, names, **counted)
group.compare("a SharedCounterMap, a pair of str", name, pair)

code = "counter[method, path].increment()"
name = group.statement("labels pair FastReadCounter compiled", code, "Labels()", names, ours=True)
group.compare("a dict of FastReadCounters, a pair of str", name, pair)

words = "words = [f'word {number * 7919 % 5000}' for number in range(100_000)]; " + setup
code = "counter.update(words)"
options: dict[str, Any] = {"setup": words, "times": 1}
update = group.statement("labels update CounterMap compiled", code, "fastcounter.CounterMap()", ours=True, **options)
group.compare("update() of a CounterMap, 100,000 words", update, update)

name = group.statement("labels update collections.Counter", code, "collections.Counter()", **options)
group.compare("update() of a collections.Counter, 100,000 words", name, update)

counter, floor = "fastcounter.CounterMap({'/': 100_000})", ["labels read dict"]
read = group.statement("labels read CounterMap compiled", "counter['/']", counter, ours=True, floor=floor)
group.compare("reading a CounterMap", read, read)

setup = "counter = fastcounter.SharedCounterMap(memory); counter.add('/', 100_000)"
name = group.statement("labels read SharedCounterMap compiled", "counter['/']", setup=setup, ours=True, floor=floor)
group.compare("reading a SharedCounterMap", name, read)

name = group.statement("labels read dict", "counter['/']", "{'/': 100_000}")
group.compare("reading a dict", name, read)
