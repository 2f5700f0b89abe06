"""CounterMap: a count for each label."""

import collections
import copy
import functools
import gc
import os
import pickle
import sys
import threading
import tracemalloc
import weakref

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fastcounter import CounterMap
from helpers import AROUND_LIMITS, DEFERS, GIL_BUILD, PORTABLE_BUILD, run_script, run_threads

# On a free-threaded CPython that is not known, a reset takes one count after another, and leaves the labels.
RESETS_AT_ONCE = GIL_BUILD or not PORTABLE_BUILD

GROWTH = 200  # so many labels make the table grow several times


class Label:
    """A label that is equal to others of the same name, and calls functions when it is hashed and compared."""

    def __init__(self, name, on_hash=None, on_eq=None, hash_of=None):
        self.name, self.on_hash, self.on_eq = name, on_hash, on_eq
        self.hash = hash(name) if hash_of is None else hash_of

    def __hash__(self):
        if self.on_hash:
            self.on_hash()
        return self.hash

    def __eq__(self, other):
        if self.on_eq:
            self.on_eq()
        return isinstance(other, Label) and self.name == other.name

    def __repr__(self):
        return f"Label({self.name!r})"


def fail():
    raise ZeroDivisionError


# ---- Against collections.Counter ----

STRINGS = ["", *"abc", "é", "\u20ac", "\U0001f600"]
NUMBERS = [0, 1, 1.0, True, -1, -2, 2**61 - 1, 2**70, 2.0**70, 1j]
OTHERS = [b"a", None, *((label, 1) for label in STRINGS + NUMBERS)]
labels = st.sampled_from(STRINGS + NUMBERS + OTHERS) | st.text(max_size=3)
amounts = st.sampled_from(AROUND_LIMITS) | st.integers(-(2**91), 2**91) | st.integers(-3, 3)


class MapMachine(RuleBasedStateMachine):
    """A map, and the Counter that it should be equal to."""

    def __init__(self):
        super().__init__()
        self.counts, self.expected = CounterMap(), collections.Counter()

    @rule(initial=st.dictionaries(labels, amounts, max_size=12) | st.lists(labels, max_size=12), again=st.booleans())
    def make(self, initial, again):
        self.counts, self.expected = CounterMap(initial), collections.Counter(initial)
        if again:
            self.counts.update(initial)
            self.expected.update(initial)

    @rule(label=labels, times=st.integers(1, 3))
    def increment(self, label, times):
        for _ in range(times):
            assert self.counts.increment(label) is None
        self.expected[label] += times

    @rule(label=labels)
    def decrement(self, label):
        assert self.counts.decrement(label) is None
        self.expected[label] -= 1

    @rule(label=labels, amount=amounts)
    def add(self, label, amount):
        assert self.counts.add(label, amount) is None
        self.expected[label] += amount

    @rule(start=st.integers(-50, 50))
    def add_many(self, start):
        for label in range(start, start + 20):
            self.counts.increment(label)
        self.expected.update(range(start, start + 20))

    @rule(label=labels, bad=st.sampled_from([1.0, "1", None]))
    def add_bad(self, label, bad):
        with pytest.raises(TypeError, match="amount must be an integer"):
            self.counts.add(label, bad)

    @rule(label=labels)
    def read(self, label):
        assert self.counts[label] == self.expected[label]  # neither makes the label
        assert type(self.counts[label]) is int
        assert (label in self.counts) == (label in self.expected)
        assert self.counts.get(label) == self.expected.get(label)
        assert self.counts.get(label, "x") == self.expected.get(label, "x")

    @rule()
    def reset(self):
        taken = self.counts.reset()
        assert taken == {label: count for label, count in self.expected.items() if count}
        assert type(taken) is dict
        self.expected = (
            collections.Counter() if RESETS_AT_ONCE else collections.Counter(dict.fromkeys(self.expected, 0))
        )

    @rule(how=st.sampled_from([copy.copy, copy.deepcopy, lambda counts: pickle.loads(pickle.dumps(counts))]))
    def duplicate(self, how):
        before, self.counts = self.counts, how(self.counts)
        before.add("a", 1000)

    @invariant()
    def is_as_expected(self):
        assert self.counts == self.expected

    @rule()
    def read_all(self):
        assert list(self.counts) == list(self.expected)
        assert list(self.counts.items()) == list(self.expected.items())
        assert list(self.counts.values()) == list(self.expected.values())
        assert repr(self.counts) == f"CounterMap({dict(self.expected) or ''})"  # labels of the same types too
        assert len(self.counts) == len(self.expected)
        assert self.counts.total() == sum(self.expected.values())
        assert self.counts.most_common() == self.expected.most_common()

    @rule(n=st.integers(-1, 5))
    def read_most(self, n):
        assert self.counts.most_common(n) == self.expected.most_common(n)


TestMap = MapMachine.TestCase
TestMap.settings = settings(stateful_step_count=settings.default.stateful_step_count // 3)  # a step takes long


# ---- A read-only mapping ----


def test_what_it_can_be_made_of():
    expected = {"a": 3, "b": -(2**70)}
    for initial in (expected, collections.OrderedDict(expected), collections.UserDict(expected), CounterMap(expected)):
        assert CounterMap(initial) == expected
    assert CounterMap(initial=expected) == expected
    assert len(CounterMap()) == 0
    for elements in ("aab", ["GET", "PUT", "GET"], iter("aab"), {"a", "b"}, [("GET", 200), ("GET", 200), ("GET", 404)]):
        elements = list(elements)
        assert CounterMap(iter(elements)) == collections.Counter(elements)
    for bad in (5, None, 1.5):
        with pytest.raises(TypeError, match=f"counts a mapping or an iterable of labels, not {type(bad).__name__}"):
            CounterMap(bad)
    with pytest.raises(TypeError, match="unhashable"):
        CounterMap([[]])
    with pytest.raises(TypeError, match="count must be an integer, not str"):
        CounterMap({"a": 1, "b": "2"})


def test_update():
    """It adds the counts of a mapping, if all are integers, and counts the labels of any other iterable."""
    counts = CounterMap("ab")
    assert counts.update({"a": 2, "c": -1}) is None
    counts.update("abd")
    assert list(counts.items()) == [("a", 4), ("b", 2), ("c", -1), ("d", 1)]
    with pytest.raises(TypeError, match="count must be an integer, not float"):
        counts.update({"a": 1, "e": 1.5})
    with pytest.raises(TypeError, match="a CounterMap counts a mapping or an iterable of labels, not int"):
        counts.update(1)
    with pytest.raises(TypeError):
        counts.update()
    assert counts == {"a": 4, "b": 2, "c": -1, "d": 1}

    def raises():
        yield "a"
        fail()

    with pytest.raises(ZeroDivisionError):
        counts.update(raises())
    assert counts["a"] == 5
    counts.update(counts)
    assert counts == {"a": 10, "b": 4, "c": -2, "d": 2}


def test_most_common():
    counts = CounterMap("abcab")
    assert counts.most_common() == [("a", 2), ("b", 2), ("c", 1)]
    assert counts.most_common(1) == counts.most_common(n=True) == [("a", 2)]
    assert counts.most_common(0) == counts.most_common(-5) == counts.most_common(-(2**70)) == []
    assert counts.most_common(9) == counts.most_common(2**70) == counts.most_common(None) == counts.most_common()
    with pytest.raises(TypeError, match="n must be an integer, not str"):
        counts.most_common("1")


@pytest.mark.parametrize("other", [dict, collections.Counter, collections.UserDict, CounterMap])
def test_a_missing_label_counts_0_to_be_equal(other):
    counts = CounterMap({"a": 1, "b": 0})
    for equal in ({"a": 1}, {"a": 1, "b": 0}, {"a": 1, "c": 0}):
        assert counts == other(equal)
        assert other is collections.UserDict or other(equal) == counts  # UserDict has an own opinion
    for different in ({}, {"a": 2}, {"a": 1, "c": 1}, {"b": 0}):
        assert counts != other(different)
    assert counts != {"a": 1, "c": None}


def test_init_again_adds():
    """As collections.Counter does.  Nothing is counted if any of the counts is bad."""
    counts = CounterMap({"a": 1})
    with pytest.raises(TypeError):
        counts.__init__({"a": 5, "c": None})
    counts.__init__({"a": 2, "b": 3})
    assert counts == {"a": 3, "b": 3}


def test_it_is_a_mapping():
    counts = CounterMap({"a": 1})
    assert isinstance(counts, collections.abc.Mapping)
    assert not isinstance(counts, collections.abc.MutableMapping)
    assert not isinstance(counts, collections.abc.Hashable)
    with pytest.raises(TypeError, match="unhashable"):
        hash(counts)
    with pytest.raises(TypeError, match="not reversible"):
        reversed(counts)
    match counts:
        case {"a": count}:
            assert count == 1
        case _:
            raise AssertionError
    assert {**counts} == dict(counts) == {"a": 1}
    assert counts.keys() | {"b"} == {"a", "b"}
    assert counts.items() == {("a", 1)}
    assert list(counts.values()) == [1]
    assert counts == {"a": 1} == counts
    assert counts == collections.Counter("a") == counts
    assert counts != {"a": 2}
    assert counts != CounterMap()
    assert counts != [("a", 1)]


def test_the_label_that_came_first_stays():
    counts = CounterMap()
    for label in (1, 1.0, True):
        counts.increment(label)
    assert list(counts.items()) == [(1, 3)]
    assert type(next(iter(counts))) is int


def test_strings_that_are_equal_but_not_the_same():
    """They are compared without Python code, by kind, length and bytes."""

    class Text(str):
        pass

    counts = CounterMap()
    for text in ("status", "é", "\u20ac" * 3, "\U0001f600"):
        for same in (text, "".join(list(text)), Text(text), text.encode("utf-16").decode("utf-16")):
            counts.increment(same)
        assert counts[Text(text)] == 4
    assert len(counts) == 4


def test_assigning_says_what_to_use():
    counts = CounterMap({"a": 1})
    with pytest.raises(TypeError, match=r"cannot be assigned; use add\(label, amount\)"):
        counts["a"] = 5
    with pytest.raises(TypeError, match=r"cannot be assigned; use add\(label, amount\)"):
        counts["a"] += 1
    with pytest.raises(TypeError, match=r"cannot be deleted; use reset\(\)"):
        del counts["a"]
    with pytest.raises(AttributeError):
        counts.other = 1
    assert counts == {"a": 1}


def test_iteration_goes_over_the_labels_that_were_there():
    counts = CounterMap(dict.fromkeys(range(100), 1))
    for each in (iter(counts), iter(counts.keys()), iter(counts.items()), iter(counts.values())):
        before = len(counts)
        read = [next(each)]
        for label in range(before, before + GROWTH):
            counts.increment(label)
        read.extend(each)
        assert len(read) == before


def test_a_reset_leaves_an_empty_map():
    counts = CounterMap({"a": 1, "b": 0, "c": -1})
    assert counts.reset() == {"a": 1, "c": -1}
    assert counts == CounterMap()
    assert counts.reset() == {}
    counts.increment("b")
    if RESETS_AT_ONCE:
        assert list(counts.items()) == [("b", 1)]


# ---- Labels that try to break it ----


def test_unhashable_labels():
    counts = CounterMap({"a": 1})
    for call in (counts.increment, lambda label: counts.add(label, 1), counts.__getitem__, counts.get):
        with pytest.raises(TypeError, match="unhashable"):
            call([])
    with pytest.raises(TypeError, match="unhashable"):
        [] in counts  # noqa: B015 - it raises
    assert counts == {"a": 1}


@pytest.mark.parametrize("where", ["on_hash", "on_eq"])
def test_labels_that_raise(where):
    counts = CounterMap()
    first, bad = Label("a"), Label("a")
    counts.increment(first)
    setattr(*((bad, "on_hash", fail) if where == "on_hash" else (first, "on_eq", fail)))
    calls = [counts.increment, lambda label: counts.add(label, 1), counts.__getitem__, counts.get, counts.__contains__]
    for call in calls:
        with pytest.raises(ZeroDivisionError):
            call(bad)
    first.on_eq = None
    assert list(counts.items()) == [(Label("a"), 1)]


def test_a_bad_amount_makes_no_label():
    counts = CounterMap()
    for amount in (1.5, None, "1"):
        with pytest.raises(TypeError, match="amount must be an integer"):
            counts.add("a", amount)
    with pytest.raises(TypeError):
        counts.add("a")
    assert "a" not in counts


def test_labels_that_lie():
    """Labels that are sometimes equal: each count goes to one of them."""
    answers = iter([True, False] * 1000)

    class Liar:
        __hash__ = lambda self: 7  # noqa: E731
        __eq__ = lambda self, other: next(answers)  # noqa: E731

    counts = CounterMap()
    for _ in range(50):
        counts.increment(Liar())
    assert counts.total() == 50
    counts.reset()
    assert counts.total() == 0


@pytest.mark.parametrize("where", ["on_hash", "on_eq"])
def test_labels_that_use_the_map(where):
    """A look-up is interrupted by calls that make the table grow, and then the very label that is looked up."""
    counts = CounterMap()
    first = Label("first", hash_of=1)
    counts.increment(first)

    def use():
        first.on_eq = None
        for number in range(GROWTH):
            counts.increment(number)
        counts.add(Label("new", hash_of=1), 10)

    new = Label("new", hash_of=1)
    setattr(new if where == "on_hash" else first, where, use)
    counts.increment(new)
    new.on_hash = None
    assert [label for label in counts if isinstance(label, Label)] == [first, new]
    assert counts[new] == 11
    assert len(counts) == GROWTH + 2


def test_labels_whose_comparison_makes_the_table_grow_again_and_again():
    counts = CounterMap()
    for number in range(50):
        counts.increment(Label(number, hash_of=3, on_eq=lambda: counts.increment(len(counts) * 7)))
    assert sum(1 for label in counts if isinstance(label, Label)) == 50
    assert sum(count for label, count in counts.items() if isinstance(label, Label)) == 50


def test_many_labels_with_one_hash():
    counts = CounterMap()
    for _ in range(2):
        for number in range(GROWTH):
            counts.increment(Label(number, hash_of=-2))
    assert list(counts.values()) == [2] * GROWTH


@pytest.mark.parametrize("step", [1, 2**10, 2**32, 2**61 - 1])
def test_hashes_with_a_pattern(step):
    counts = CounterMap()
    for number in range(3000):
        counts.add(number * step, number)
    assert all(counts[number * step] == number for number in range(1, 3000) if number * step % (2**61 - 1))
    assert counts.total() == 3000 * 2999 // 2


def test_a_reset_that_fails_loses_nothing():
    """The next one returns these counts too, also if a label has been counted since."""
    failing = []
    counts = CounterMap()
    counts.add("a", 2**70)
    counts.increment("b")
    counts.increment(Label("c", on_hash=lambda: failing and fail()))
    counts.increment("d")
    failing.append(True)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            counts.reset()
        counts.increment("a")
    failing.clear()
    assert counts["a"] == 1
    assert counts.reset() == {"a": 2**70 + 3, "b": 1, Label("c"): 1, "d": 1}
    assert counts.reset() == {}


@pytest.mark.skipif(not RESETS_AT_ONCE, reason="a reset leaves the labels")
@pytest.mark.parametrize("where", ["on_hash", "on_eq"])
@pytest.mark.parametrize("call", ["increment", "add", "get"])
def test_a_reset_in_the_middle_of_a_look_up(where, call):
    """The look-up begins again, in the empty map, whatever took the place of the old memory."""
    taken, counts = [], CounterMap()

    def reset():
        first.on_eq = None
        taken.append(counts.reset())
        for number in range(GROWTH):
            counts.increment(Label(number, hash_of=1))

    first = Label("first", hash_of=1)
    for number in range(3):
        counts.increment(Label(number, hash_of=1))
    counts.increment(first)
    new = Label("first", hash_of=1)
    setattr(new if where == "on_hash" else first, where, reset)
    result = getattr(counts, call)(new, *[2**70] * (call == "add"))
    new.on_hash = None
    assert result is None
    assert taken == [{Label(0, hash_of=1): 1, Label(1, hash_of=1): 1, Label(2, hash_of=1): 1, first: 1}]
    assert counts.get(first) == {"increment": 1, "add": 2**70, "get": None}[call]
    assert counts.total() - GROWTH == {"increment": 1, "add": 2**70, "get": 0}[call]


@pytest.mark.skipif(not RESETS_AT_ONCE, reason="a reset leaves the labels")
def test_a_label_that_a_reset_drops_while_it_is_compared():
    """A tuple is compared item by item, and here the first comparison drops the map's reference to the tuple."""

    def reset():
        counts.reset()
        gc.collect()
        spam.extend(("x" * 50, number) for number in range(100))  # may take the memory of the tuple

    spam, counts = [], CounterMap()
    for last in ("same", "other"):
        counts.increment((Label("a", on_eq=reset, hash_of=1), Label("same", hash_of=1)))
        counts.increment((Label("a", hash_of=1), Label(last, hash_of=1)))
        assert counts.reset() == {(Label("a", hash_of=1), Label(last, hash_of=1)): 1}


def test_a_comparison_that_resets_and_raises():
    def reset_and_raise():
        taken.append(counts.reset())
        fail()

    taken, counts, label = [], CounterMap(), Label("a", hash_of=1)
    counts.add(label, 2**70)
    label.on_eq = reset_and_raise
    with pytest.raises(ZeroDivisionError):
        counts.increment(Label("a", hash_of=1))
    label.on_eq = None
    assert taken == [{label: 2**70}]
    assert counts == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("where", ["on_hash", "on_eq"])
def test_a_fork_in_the_middle_of_a_look_up(where):
    """Parent and child go on with the look-up, each in its map."""
    children, counts = [], CounterMap()
    old, new = Label("a", hash_of=1), Label("a", hash_of=1)
    counts.add(old, 2**70)

    def fork():
        old.on_eq = new.on_hash = None
        children.append(os.fork())

    setattr(new if where == "on_hash" else old, where, fork)
    try:
        counts.increment(new)
        right = counts.reset() == {old: 2**70 + 1} and counts == {}
    finally:
        if children == [0]:
            os._exit(not right)
    assert right
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0


@pytest.mark.skipif(not RESETS_AT_ONCE, reason="a reset leaves the labels")
def test_memory_is_that_of_the_labels_between_two_resets():
    counts, sizes = CounterMap(), []
    tracemalloc.start()
    for _ in range(10):
        for number in range(10_000):
            counts.increment(f"{len(sizes)} {number}")
        assert len(counts.reset()) == 10_000
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[-1] < sizes[1] + 10_000


@pytest.mark.skipif(not RESETS_AT_ONCE, reason="a reset leaves the labels")
def test_a_reset_beside_frozen_objects():
    gc.freeze()
    try:
        counts = CounterMap("ab")
        assert counts.reset() == {"a": 1, "b": 1}
        assert len(counts) == 0
    finally:
        gc.unfreeze()


@pytest.mark.skipif(not RESETS_AT_ONCE, reason="a reset leaves the labels")
@pytest.mark.threads
def test_resets_while_another_thread_freezes_objects():
    done = []

    def freeze():
        for _ in range(50):
            gc.freeze()
        done.append(True)

    def reset():
        while not done:
            counts = CounterMap("ab")
            assert counts.reset() == {"a": 1, "b": 1}
            assert len(counts) == 0

    try:
        run_threads(freeze, reset)
    finally:
        gc.unfreeze()


def test_a_map_in_its_own_label():
    class Request:
        def __init__(self, counts):
            self.counts = counts

        def __repr__(self):
            return f"Request({self.counts!r})"

    counts = CounterMap()
    counts.increment(Request(counts))
    assert repr(counts) == "CounterMap({Request(CounterMap({...})): 1})"
    assert repr(counts) == "CounterMap({Request(CounterMap({...})): 1})"


def test_size():
    """It is that of the table, which grows with the labels."""
    counts = CounterMap()
    sizes = [sys.getsizeof(counts)]
    for number in range(1000):
        counts.increment(number)
        sizes.append(sys.getsizeof(counts))
    assert sizes == sorted(sizes)
    assert sizes[0] < 200
    assert 1000 * 24 < sizes[-1] < 1000 * 400
    counts.reset()
    assert sys.getsizeof(counts) == (sizes[0] if RESETS_AT_ONCE else sizes[-1])


def test_labels_that_have_become_equal():
    """Each count is there once, in the sum."""
    first, second = Label("a", hash_of=1), Label("b", hash_of=1)
    counts = CounterMap({first: 2, second: 2**70})
    second.name = "a"
    assert dict(counts) in ({first: 2}, {first: 2**70})  # dict() looks the labels up
    assert repr(counts) == f"CounterMap({{Label('a'): {2**70 + 2}}})"
    assert counts.total() == 2**70 + 2
    assert counts.most_common() == [(first, 2**70 + 2)]
    assert counts.reset() == {first: 2**70 + 2}


def test_labels_that_have_changed_their_hash():
    label = Label("a", hash_of=1)
    counts = CounterMap([label])
    label.hash = 2
    assert label not in counts
    counts.increment(label)
    assert counts.total() == 2
    assert counts.reset() == {label: 2}


@pytest.mark.untraceable
def test_no_memory(without_memory):
    """Whichever allocation fails, a call either succeeds or changes no count."""
    calls = {
        "increment": (1, CounterMap.increment, "a"),
        "increment new": (1, CounterMap.increment, "new"),
        "add": (2**90, CounterMap.add, "a", 2**90),
        "add new": (2**90, CounterMap.add, "new", 2**90),
        "reset": (None, CounterMap.reset),
        "total": (0, CounterMap.total),
        "list": (0, list),
    }
    failures = collections.Counter()
    for name, (effect, *call) in calls.items():
        for size in (1, 4, 6, 12, 96):  # at these a new label needs a larger table or another block
            expected = {"a": 2**40, **{number: 2**62 + number for number in range(1, size)}}
            before, kept = sum(expected.values()), []

            def make(expected=expected, kept=kept):
                counts = CounterMap(expected)
                kept.append(counts["a"])  # a second reference, so the count cannot change in place
                return counts

            for counts, failed in without_memory(12, make, *call):
                failures[name] += failed
                taken = sum(counts.reset().values())  # also what a reset that has failed has taken
                assert taken == (before if failed else 0 if effect is None else before + effect)
                assert kept.pop() == 2**40
                counts.increment("new")
    assert all(failures[name] for name in calls if name != "increment" or GIL_BUILD)


@pytest.mark.untraceable
def test_no_memory_to_reset_loses_nothing(without_memory):
    """Also if no allocation succeeds from some moment on."""
    expected = {number: 2**62 + number for number in range(20)}
    failures = 0
    for counts, failed in without_memory(60, lambda: CounterMap(expected), CounterMap.reset, for_good=True):
        assert counts.reset() == (expected if failed else {})
        failures += failed
    assert failures > 1


# ---- Threads ----


@pytest.mark.threads
def test_threads_that_make_the_same_labels():
    """While others read, iterate and reset.  The table grows in each round."""
    threads, each, rounds = 6, 300, 20
    for _ in range(rounds):
        counts = CounterMap()
        taken = collections.Counter()
        done = []

        def count(counts=counts, done=done):
            for number in range(each):
                counts.increment(str(number))
                counts.add(("pair", number), 2**33)
            done.append(True)

        def read(counts=counts, done=done):
            while len(done) < threads:
                seen = list(counts.items())
                assert len(seen) == len({label for label, _ in seen})

        def reset(counts=counts, done=done, taken=taken):
            while len(done) < threads:
                taken.update(counts.reset())

        run_threads(read, reset, *[count] * threads)
        taken.update(counts.reset())
        assert taken == {
            **{str(number): threads for number in range(each)},
            **{("pair", number): threads * 2**33 for number in range(each)},
        }
        assert counts.total() == 0


@pytest.mark.threads
def test_threads_that_meet_at_new_labels():
    """Whoever is ahead makes labels, which takes longer than to find them.  So the threads meet again and again."""
    for _ in range(5):
        counts = CounterMap()

        def count(counts=counts):
            for number in range(20_000):
                counts.increment(number)

        run_threads(*[count] * 4)
        assert len(counts) == 20_000
        assert set(counts.values()) == {4}


@pytest.mark.threads
def test_threads_that_make_labels_of_their_own():
    counts = CounterMap()

    def count(thread):
        def work():
            for number in range(3000):
                counts.increment((thread, number))
                counts.increment("shared")

        return work

    run_threads(*map(count, range(6)))
    own = {(thread, number): 1 for thread in range(6) for number in range(3000)}
    assert counts.reset() == {"shared": 18_000, **own}


@pytest.mark.threads
def test_threads_that_switch_while_labels_are_compared():
    """`__eq__` lets other threads run, which make the same labels."""
    for _ in range(20):
        counts = CounterMap()

        def count(counts=counts):
            for number in range(100):
                counts.increment(Label(number, hash_of=number % 7, on_eq=lambda: None))

        run_threads(*[count] * 4)
        assert [(label.name, n) for label, n in sorted(counts.items(), key=lambda item: item[0].name)] == [
            (number, 4) for number in range(100)
        ]


@pytest.mark.threads
def test_counts_that_one_thread_reads_never_decrease():
    counts = CounterMap()
    done = []

    def count():
        for _ in range(30_000):
            counts.increment("a")
        done.append(True)

    def read():
        before = 0
        while len(done) < 3:
            value = counts["a"]
            assert value >= before
            before = value

    run_threads(read, *[count] * 3)
    assert counts["a"] == 90_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_children_never_hang():
    run_script("forks.py", "--classes", "CounterMap", "--sizes", "large", "--forks", 100)


# ---- Memory ----


class Owner:
    """A label that refers to its map."""

    def __init__(self, counts):
        self.counts = counts


def test_a_cycle_through_a_label_is_collected():
    for number in (1, GROWTH):
        counts = CounterMap()
        for _ in range(number):
            counts.increment(Owner(counts))
        freed = weakref.ref(next(iter(counts)))
        del counts
        assert freed() is not None
        gc.collect()
        assert freed() is None


def test_a_cycle_that_only_the_map_can_break_is_collected():
    """A built-in method refers to its object, and the collector cannot take that from it."""

    class Subclass(CounterMap):
        pass

    counts = Subclass()
    counts.increment(counts.increment)
    del counts
    gc.collect()  # it clears weak references to garbage, even if it cannot free that
    assert not [object for object in gc.get_objects() if type(object) is Subclass]


@pytest.mark.threads
@pytest.mark.skipif(not GIL_BUILD and not DEFERS, reason="once 3.13t has had threads, it never frees a class")
def test_a_cycle_through_the_class_is_collected():
    class Subclass(CounterMap):
        pass

    Subclass.counts = Subclass({Subclass: 1})
    Subclass.counts.itself = Subclass.counts
    run_threads(functools.partial(Subclass.counts.increment, Subclass))
    freed = weakref.ref(Subclass)
    del Subclass
    gc.collect()
    assert freed() is None


def test_a_map_is_freed_with_its_last_reference():
    counts = CounterMap()
    label = Label("a")
    counts.increment(label)
    freed = weakref.ref(counts)
    references = sys.getrefcount(label)
    del counts
    assert freed() is None
    assert sys.getrefcount(label) == references - 1


@pytest.mark.threads
def test_what_two_threads_use_is_freed_by_a_collection():
    counts = CounterMap()
    freed = weakref.ref(counts)
    run_threads(functools.partial(counts.increment, "a"))
    del counts
    assert (freed() is not None) is DEFERS
    gc.collect()
    assert freed() is None


def test_finalizers_of_labels_use_the_map():
    """When a map is freed, no finalizer finds it any more.  When it is garbage, a finalizer may still use it."""
    seen = []

    class Final:
        def __init__(self, counts):
            self.counts = counts

        def __del__(self):
            counts = self.counts()
            if counts is not None:
                counts.increment("late")
                seen.append((counts.total(), counts.reset()))
            else:
                seen.append(None)

    counts = CounterMap()
    for _ in range(3):
        counts.increment(Final(weakref.ref(counts)))
    del counts
    assert seen == [None] * 3

    seen.clear()
    counts = CounterMap({"a": 5})
    counts.increment(Final(lambda counts=counts: counts))
    del counts
    gc.collect()
    assert seen[0][0] == 7


def test_a_weak_reference_is_called_while_labels_are_dropped():
    class Final:
        def __del__(self):
            gc.collect()

    counts = CounterMap()
    for _ in range(10):
        counts.increment(Final())
    called = []
    freed = weakref.ref(counts, called.append)
    del counts
    assert called == [freed]


def test_maps_within_labels_of_maps():
    """Many levels deep: freeing them must not overflow the stack."""
    counts = CounterMap()
    for _ in range(100_000 if sys.version_info >= (3, 11) else 10_000):
        outer = CounterMap()
        outer.increment(Owner(counts))
        counts = outer
    del counts, outer
    gc.collect()


# ---- Subclasses, copies, types ----


class Named(CounterMap):
    def __init__(self, name, initial=()):
        super().__init__(initial)
        self.name = name


def test_subclasses_have_methods_of_their_own():
    """So that the interpreter calls them by its fastest path."""
    for name in ("increment", "decrement", "add", "update", "reset", "total", "get", "most_common"):
        assert Named.__dict__[name].__objclass__ is Named


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol):
    counts = Named("requests", {"a": 2**70, ("b", 1): -1, None: 0})
    for duplicate in (pickle.loads(pickle.dumps(counts, protocol)), copy.copy(counts), copy.deepcopy(counts)):
        assert type(duplicate) is Named
        assert duplicate.name == "requests"
        assert duplicate == counts
        assert list(duplicate) == list(counts)
        duplicate.increment("a")
        assert counts["a"] == 2**70
    assert b"fastcounter\n_restore_map\n" in pickle.dumps(counts, 0)


def test_hostile_pickles():
    restore, (_cls, *args), _attributes = CounterMap().__reduce__()
    with pytest.raises(TypeError, match="only a class of counters"):
        restore(dict, *args)
    with pytest.raises(TypeError, match="count must be an integer"):
        restore(CounterMap, (), {}, {"a": "1"})


def test_generic_alias():
    assert CounterMap[str]({"a": 1}) == {"a": 1}
    assert CounterMap[str].__origin__ is CounterMap


@pytest.mark.threads
def test_threads_that_come_and_go():
    counts = CounterMap()
    threads = [threading.Thread(target=lambda: [counts.increment(n % 50) for n in range(500)]) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.total() == 40 * 500
    assert set(counts.values()) == {400}
