"""No public call leaks a reference, on a debug build that counts all of them."""

import contextlib
import copy
import gc
import pickle
import sys

import pytest

from fastcounter import CounterMap, SharedCounter, SharedCounterMap
from helpers import CHANGES, COMPAT, COMPILED, name_of

TIMES = 1000
LIMIT = TIMES // 10

pytestmark = [
    pytest.mark.leaks,
    pytest.mark.skipif(not hasattr(sys, "gettotalrefcount"), reason="needs a debug build"),
    pytest.mark.usefixtures("short_collections"),
]


def set_value(counter):
    with contextlib.suppress(AttributeError):
        counter.value = 2**40


def fail(counter):
    for name in ("add", "__init__", "__iadd__"):
        with contextlib.suppress(TypeError):
            getattr(counter, name)("1")


def call(name, *args):
    def call_if_there(counter):
        method = getattr(counter, name, None)
        if callable(method):
            method(*args)

    return call_if_there


CALLS = {
    f"{name} {amount}": call(name, *[amount] * takes)
    for name, (takes, _) in CHANGES.items()
    for amount in [5, 2**62, 2**90, -(2**91)][: 4 if takes else 1]
}
CALLS |= {
    "value": lambda counter: counter.value,
    "value()": call("value"),
    "assign": set_value,
    "int": int,
    "repr": repr,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda counter: pickle.loads(pickle.dumps(counter)),
    "new": lambda counter: type(counter)(2**40),
    "errors": fail,
}


def total_references(run, counter):
    gc.collect()
    before = sys.gettotalrefcount()
    for _ in range(TIMES):
        run(counter)
    gc.collect()
    return sys.gettotalrefcount() - before


def references_left(run, counter):
    """How many references the calls leave.  If there are many, try again: CPython fills a cache now and then."""
    total_references(run, counter)  # fills most caches
    for _ in range(3):
        left = abs(total_references(run, counter))
        if left < LIMIT:
            break
    return left


@pytest.mark.parametrize("compiled_class", COMPILED + COMPAT, ids=name_of)
@pytest.mark.parametrize("name", CALLS)
def test_references(compiled_class, name):
    counter = compiled_class(2**40)
    assert references_left(CALLS[name], counter) < LIMIT


@pytest.mark.parametrize("name", CALLS)
def test_references_of_shared_counters(name):
    memory = bytearray(8)

    def run(_counter):
        with contextlib.suppress(TypeError, RuntimeError, OverflowError):
            CALLS[name](SharedCounter(memory))

    assert references_left(run, None) < LIMIT


MAP_CALLS = {
    "increment": lambda counts: counts.increment("a"),
    "add": lambda counts: counts.add("b", 2**90),
    "labels": lambda counts: [counts.increment((number, "label")) for number in range(20)],
    "read": lambda counts: [counts["a"], counts["none"], counts.get("a"), counts.get("none"), "a" in counts],
    "all": lambda counts: [list(counts), dict(counts), list(counts.values()), counts.total(), repr(counts)],
    "compare": lambda counts: counts == dict(counts),
    "update": lambda counts: [counts.update("abc"), counts.update({"b": 2}), counts.most_common(2)],
    "reset": lambda counts: [counts.add("a", 2**70), counts.reset()],
    "pickle": lambda counts: pickle.loads(pickle.dumps(counts)),
    "copy": copy.copy,
    "new": lambda counts: CounterMap({(number, "label"): 2**40 for number in range(20)}),
    "cycle": lambda counts: [new := CounterMap(), new.increment(type("Owner", (), {"counts": new})())],
    "add bad": lambda counts: raising(TypeError, counts.add, "a", None),
    "hash bad": lambda counts: raising(TypeError, counts.add, [], 1),
    "new bad": lambda counts: raising(TypeError, CounterMap, {"a": 2**40, "b": "1"}),
    "assign": lambda counts: raising(TypeError, counts.__setitem__, "a", 1),
}


def raising(error, function, *args):
    with pytest.raises(error):
        function(*args)


@pytest.mark.parametrize("name", MAP_CALLS)
def test_references_of_maps(name):
    counts = CounterMap({"a": 2**40})
    assert references_left(MAP_CALLS[name], counts) < LIMIT


SAME_CALLS = ["increment", "labels", "read", "all", "compare", "update", "add bad", "hash bad", "assign"]
SHARED_MAP_CALLS = {name: MAP_CALLS[name] for name in SAME_CALLS} | {
    "add": lambda counts: counts.add("b", -(2**40)),
    "exact": lambda counts: [counts.increment((True, b"b", ("c", 2**70))), counts[True, b"b", ("c", 2**70)]],
    "reset": lambda counts: [counts.add("a", 2**40), counts.reset()],
    "new": lambda counts: SharedCounterMap(bytearray(64 * 10)).increment("a"),
    "add large": lambda counts: raising(OverflowError, counts.add, "a", 2**63),
    "label bad": lambda counts: raising(TypeError, counts.increment, ("a", 1.5)),
    "full": lambda counts: raising(ValueError, counts.increment, "a long label" * 1000),
    "new bad": lambda counts: raising(ValueError, SharedCounterMap, bytearray(b"no map  " * 64)),
}


@pytest.mark.parametrize("name", SHARED_MAP_CALLS)
def test_references_of_shared_maps(name):
    memory = bytearray(64 * 100)
    counts, other = SharedCounterMap(memory), SharedCounterMap(memory)

    def run(_counts):
        other.increment("a")  # which the map takes in
        SHARED_MAP_CALLS[name](counts)

    assert references_left(run, None) < LIMIT
