"""SharedCounterMap: a count for each label, for threads, processes and interpreters."""

import collections
import collections.abc
import contextlib
import copy
import enum
import functools
import gc
import http
import inspect
import itertools
import mmap
import multiprocessing
import os
import pickle
import random
import struct
import sys
import weakref
from multiprocessing import shared_memory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fastcounter import SharedCounter, SharedCounterMap, _files
from helpers import DEFERS, Child, map_file, run_processes, run_quietly, run_script, run_threads

LARGEST, SMALLEST = 2**63 - 1, -(2**63)
HEADER = b"fcmap 1" + (b"<" if sys.byteorder == "little" else b">")
LINE = 64
MOST_BYTES = 65_535  # of a label


@pytest.fixture
def memory():
    return mmap.mmap(-1, 4096)


@pytest.fixture
def counts(memory):
    return SharedCounterMap(memory)


def record(encoded, count=0, ready=True, lines=None, length=None):
    """Return the bytes of a record of the log."""
    needed = -(-(16 + len(encoded)) // LINE)
    word = (len(encoded) if length is None else length) | (needed if lines is None else lines) << 32 | ready << 63
    return (struct.pack("=qQ", count, word) + encoded).ljust(needed * LINE, b"\0")


def log_of(*records, size=4096):
    """Return the bytes of a log."""
    return bytearray((HEADER + struct.pack("=q", size)).ljust(LINE, b"\0") + b"".join(records)).ljust(size, b"\0")


def used(counts):
    return int(repr(counts).split()[4])


# ---- Against collections.Counter ----

TEXTS = ["", "a", "b\0", "é", "€" * 20, "\U0001f600", "\ud800", "\udfff\ud800", "x" * 47, "x" * 48, "1"]
NUMBERS = [0, 1, -1, 255, -255, 256, 2**62, 2**63, -(2**63), 2**64 - 1, 2**64, -(2**200)]
BYTES = [b"", b"a", b"1", b"\0\xff", b"x" * 300]
TUPLES = [(), ("",), (b"",), (0,), ((),), ("a", "b"), ("ab",), (b"ab", 1), (("a", 1), -1), ("x" * 254,), ("x" * 255,)]
labels = st.sampled_from(TEXTS + NUMBERS + BYTES + TUPLES)
labels |= st.recursive(
    st.text(st.characters(), max_size=5) | st.integers() | st.binary(max_size=5),
    lambda items: st.lists(items, max_size=3).map(tuple),
)
amounts = st.integers(-5, 5) | st.sampled_from([2**40, -(2**40)])


class SharedMapMachine(RuleBasedStateMachine):
    """Maps on one memory, and the Counter that each of them should be equal to."""

    def __init__(self):
        super().__init__()
        self.memory = mmap.mmap(-1, 2**20)
        self.maps, self.expected = [SharedCounterMap(self.memory)], collections.Counter()

    @rule()
    def attach(self):
        self.maps = [SharedCounterMap(self.memory), *self.maps[:2]]

    @rule(chosen=st.integers(0, 2), label=labels, times=st.integers(1, 3))
    def increment(self, chosen, label, times):
        for _ in range(times):
            assert self.maps[chosen % len(self.maps)].increment(label) is None
        self.expected[label] += times

    @rule(chosen=st.integers(0, 2), label=labels, amount=amounts)
    def add(self, chosen, label, amount):
        assert self.maps[chosen % len(self.maps)].add(label, amount) is None
        self.expected[label] += amount

    @rule(chosen=st.integers(0, 2), start=st.integers(-50, 50))
    def add_many(self, chosen, start):
        for label in range(start, start + 20):
            self.maps[chosen % len(self.maps)].increment(label)
        self.expected.update(range(start, start + 20))

    @rule(label=labels)
    def read(self, label):
        for counts in self.maps:
            assert counts[label] == self.expected[label]
            assert type(counts[label]) is int
            assert (label in counts) == (label in self.expected)
            assert counts.get(label) == self.expected.get(label)
            assert counts.get(label, "x") == self.expected.get(label, "x")

    @rule(chosen=st.integers(0, 2))
    def reset(self, chosen):
        taken = self.maps[chosen % len(self.maps)].reset()
        assert taken == {label: count for label, count in self.expected.items() if count}
        assert type(taken) is dict
        self.expected = collections.Counter(dict.fromkeys(self.expected, 0))

    @invariant()
    def is_as_expected(self):
        assert self.maps[-1] == self.expected

    @rule()
    def read_all(self):
        for counts in self.maps:
            assert list(counts) == list(self.expected)
            assert [*map(type, counts)] == [*map(type, self.expected)]
            assert list(counts.items()) == list(self.expected.items())
            assert list(counts.values()) == list(self.expected.values())
            assert len(counts) == len(self.expected)
            assert counts.total() == sum(self.expected.values())


TestMap = SharedMapMachine.TestCase
TestMap.settings = settings(stateful_step_count=settings.default.stateful_step_count // 3)  # a step takes long


# ---- A read-only mapping ----


def test_it_is_a_mapping(counts):
    assert counts == {}
    counts.increment("a")
    assert isinstance(counts, collections.abc.Mapping)
    assert not isinstance(counts, (collections.abc.MutableMapping, collections.abc.Hashable))
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
    assert counts == {"a": 1} == counts
    assert counts == collections.Counter("a") == counts
    assert counts != {"a": 2}
    assert counts != SharedCounterMap(bytearray(128))
    assert counts != [("a", 1)]
    with pytest.raises(AttributeError):
        counts.other = 1


def test_views_are_those_of_a_dict(counts):
    counts.add("a", 5)
    expected = {"a": 5}
    for item in [("a", 5), ("a", 4), ("z", 0), ("z", 5), ("a",), ("a", 5, 5), ["a", 5], "a5", None, ("a", 5.0)]:
        assert (item in counts.items()) is (item in expected.items()), item
    for label in ("a", "z", 1.5):
        assert (label in counts.keys()) is (label in expected)  # noqa: SIM118 - a view
    assert 5 in counts.values()
    assert 0 not in counts.values()
    assert counts.items() == expected.items()
    assert counts.items() | {("b", 1)} == {("a", 5), ("b", 1)}
    assert counts.keys() - {"a"} == set()
    for view in (counts.items(), counts.keys(), counts.values()):
        assert len(view) == 1


def test_assigning_says_what_to_use(counts):
    with pytest.raises(TypeError, match=r"cannot be assigned; use add\(label, amount\)"):
        counts["a"] += 1
    with pytest.raises(TypeError, match=r"cannot be deleted; use reset\(\)"):
        del counts["a"]
    assert counts == {}


def test_iteration_goes_over_the_labels_that_were_there(memory, counts):
    for label in range(20):
        counts.increment(label)
    for each in (iter(counts), iter(counts.keys()), iter(counts.items()), iter(counts.values())):
        before = len(counts)
        read = [next(each)]
        counts.increment(before)
        SharedCounterMap(memory).increment(before + 1)
        read.extend(each)
        assert len(read) == before


def test_a_reset_keeps_labels(counts):
    counts.increment("a")
    counts.add("b", 0)
    counts.add("c", -1)
    assert counts.reset() == {"a": 1, "c": -1}
    assert counts == {"a": 0, "b": 0, "c": 0}
    assert counts.reset() == {}


def test_signature_and_names(counts):
    assert str(inspect.signature(SharedCounterMap)) == "(memory=None, size=None)"
    assert repr(SharedCounterMap) == "<class 'fastcounter.SharedCounterMap'>"
    assert repr(counts) == "<SharedCounterMap with 0 labels, 64 of 4096 bytes used>"
    counts.increment("a")
    assert repr(counts) == "<SharedCounterMap with 1 labels, 128 of 4096 bytes used>"
    assert SharedCounterMap[str].__origin__ is SharedCounterMap
    with pytest.raises(TypeError, match="immutable"):
        SharedCounterMap.increment = None


# ---- Labels ----


class Text(str):
    __slots__ = ()

    def __eq__(self, other):
        raise AssertionError

    __hash__ = None
    __str__ = __repr__ = __len__ = __iter__ = encode = __eq__


class Number(int):
    __index__ = __int__ = __eq__ = Text.__eq__
    __hash__ = None


class Bytes(bytes):
    __bytes__ = __eq__ = __len__ = __iter__ = Text.__eq__
    __hash__ = None


class Items(tuple):
    __slots__ = ()
    __iter__ = __eq__ = __len__ = __getitem__ = Text.__eq__
    __hash__ = None


class Indexed:
    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


Point = collections.namedtuple("Point", "x y")
Color = enum.Enum("Color", [("RED", "red")], type=str)


@pytest.mark.parametrize(
    ("given_label", "exact"),
    [
        (True, 1),
        (http.HTTPStatus.OK, 200),
        (Color.RED, "red"),
        (Text("é"), "é"),
        (Number(-(2**70)), -(2**70)),
        (Bytes(b"a"), b"a"),
        (Items(("a", True)), ("a", 1)),
        (Point(1, Text("y")), (1, "y")),
        (("GET", (http.HTTPStatus.OK, Bytes(b""))), ("GET", (200, b""))),
        (Indexed(5), 5),
        (Indexed(True), 1),
        ((Indexed(2**64),), (2**64,)),
    ],
    ids=lambda label: type(label).__name__,
)
@pytest.mark.filterwarnings("ignore:.*__index__:DeprecationWarning")
def test_a_label_is_made_exact(memory, given_label, exact):
    def types(label):
        return tuple(map(types, label)) if type(label) is tuple else type(label)

    counts, other = SharedCounterMap(memory), SharedCounterMap(memory)
    counts.increment(given_label)
    counts.add(given_label, 2)
    other.increment(exact)
    for each in (counts, other):
        assert (each[given_label], each[exact]) == (4, 4)
        assert given_label in each
        assert each.get(given_label) == 4
        assert list(each.items()) == [(exact, 4)]
        (label,) = each
        assert types(label) == types(exact)
    assert counts.reset() == {exact: 4}


def test_numbers_of_numpy(counts):
    numpy = pytest.importorskip("numpy")
    counts.increment(numpy.int64(5))
    counts.increment(numpy.str_("a"))
    counts.increment((numpy.uint8(255), numpy.bytes_(b"b")))
    assert dict(counts) == {5: 1, "a": 1, (255, b"b"): 1}
    assert [*map(type, counts)] == [int, str, tuple]


def test_labels_of_different_types_are_different():
    """Also under `python -bb`, which raises where a str is compared with bytes."""
    run_quietly(
        "-bb",
        "-W",
        "error",
        "-c",
        "from fastcounter import SharedCounterMap\n"
        "memory = bytearray(2**16)\n"
        "maps = [SharedCounterMap(memory), SharedCounterMap(memory)]\n"
        "labels = [1, '1', b'1', (1,), ('1',), (b'1',), (('1',),), 'abc', b'abc', ('abc', 0), (b'abc', 0), '', b'']\n"
        "for counts in maps:\n"
        "    for number, label in enumerate(labels):\n"
        "        counts.add(label, number)\n"
        "    for number, label in enumerate(labels):\n"
        "        assert label in counts\n"
        "for counts in maps:\n"
        "    assert [counts[label] for label in labels] == [2 * number for number in range(len(labels))]\n"
        "    assert [repr(label) for label in counts] == [repr(label) for label in labels]\n",
    )


@pytest.mark.parametrize("bad", [1.5, 1.0, None, object(), frozenset("a"), 1j, ("a", 1.0), ((None,), 1), int])
def test_what_cannot_be_a_label(counts, bad):
    counts.increment("a")
    counts.increment(1)
    name = "(float|NoneType|object|frozenset|complex|type)"
    for call in (counts.increment, lambda label: counts.add(label, 1)):
        with pytest.raises(TypeError, match=rf"a label is a str, bytes, an int or a tuple of such, not {name}"):
            call(bad)
    assert counts[bad] == 0
    assert counts.get(bad) is None
    assert counts.get(bad, 5) == 5
    assert bad not in counts
    assert len(counts) == 2


@pytest.mark.parametrize("bad", [[], {}, bytearray(b"a"), ("a", []), (1.5, ({},))])
def test_what_is_not_hashable(counts, bad):
    with pytest.raises(TypeError, match="a label is a str, bytes, an int or a tuple of such, not"):
        counts.increment(bad)
    for call in (counts.__getitem__, counts.get, counts.__contains__):
        with pytest.raises(TypeError, match="unhashable"):
            call(bad)
    assert len(counts) == 0


def test_an_index_that_raises(counts):
    class Bad:
        def __index__(self):
            raise ZeroDivisionError

    for call in (counts.increment, counts.__getitem__, counts.get, counts.__contains__):
        for bad in (Bad(), ("a", Bad())):
            with pytest.raises(ZeroDivisionError):
                call(bad)
    assert len(counts) == 0


def test_an_index_that_uses_the_map(counts):
    class Busy:
        def __index__(self):
            for number in range(30):
                counts.increment(number)
            return 7

    counts.increment(("a", Busy()))
    counts.increment(Busy())
    assert counts[7] == 3
    assert counts["a", 7] == 1
    assert len(counts) == 31


def nested(levels):
    return functools.reduce(lambda label, _: (label,), range(levels), "a")


def test_how_deep_a_label_is(memory, counts):
    counts.increment(nested(32))
    other = SharedCounterMap(memory)
    assert dict(other) == {nested(32): 1}
    for levels in (33, 100, 50_000):
        with pytest.raises(ValueError, match="tuples in a label nest at most 32 levels deep"):
            counts.increment(nested(levels))
        assert counts[nested(levels)] == 0
        assert nested(levels) not in counts
    assert len(counts) == 1


def test_how_large_a_label_is():
    memory = mmap.mmap(-1, 2**20)
    counts, other = SharedCounterMap(memory), SharedCounterMap(memory)
    largest = [
        "x" * (MOST_BYTES - 1),
        b"x" * (MOST_BYTES - 1),
        "€" * ((MOST_BYTES - 1) // 3),
        2 ** (8 * (MOST_BYTES - 1)) - 1,
        -(2 ** (8 * (MOST_BYTES - 1))) + 1,
        ("x" * (MOST_BYTES - 5),),
        (0,) * ((MOST_BYTES - 1) // 2),
    ]
    too_large = [
        "x" * MOST_BYTES,
        b"x" * MOST_BYTES,
        "€" * (MOST_BYTES // 3),
        2 ** (8 * (MOST_BYTES - 1)),
        -(2 ** (8 * (MOST_BYTES - 1))),
        ("x" * (MOST_BYTES - 4),),
        (0,) * ((MOST_BYTES + 1) // 2),
        ("x" * 60_000,) * 30_000,
        functools.reduce(lambda label, _: (label,) * 10, range(30), ""),
        functools.reduce(lambda label, _: (label,) * 10, range(30), ()),
    ]
    for label in largest:
        counts.increment(label)
        other.increment(label)
    assert list(counts.values()) == list(other.values()) == [2] * len(largest)
    assert list(other) == largest
    before = used(counts)
    for label in too_large:
        with pytest.raises(ValueError, match="a label takes at most 65,535 bytes"):
            counts.increment(label)
        assert counts[label] == 0
        assert label not in counts
    assert (used(counts), len(counts)) == (before, len(largest))


def test_what_a_label_takes(counts):
    for label, lines in [("x" * 47, 1), ("x" * 48, 2), ("x" * (47 + 64), 2), ("x" * (48 + 64), 3), (("GET", 200), 1)]:
        before = used(counts)
        counts.increment(label)
        assert used(counts) - before == LINE * lines


ENCODED = {
    "": b"s",
    "é€": b"s\xc3\xa9\xe2\x82\xac",
    "\ud800": b"s\xed\xa0\x80",
    b"a\0": b"ba\0",
    0: b"+",
    1: b"+\x01",
    256: b"+\x01\0",
    -1: b"-\x01",
    2**64: b"+\x01" + bytes(8),
    (): b"(",
    ("a", -5, (b"",)): b"(\x02sa\x02-\x05\x03(\x01b",
    ("x" * 254,): b"(\xff\x00\xff" + b"s" + b"x" * 254,
    ("x" * 253,): b"(\xfe" + b"s" + b"x" * 253,
}


def test_the_bytes_of_labels():
    """They are part of the format of files, which other versions of fastcounter read."""
    expected = log_of(*(record(encoded, 1) for encoded in ENCODED.values()))
    memory = bytearray(4096)
    counts = SharedCounterMap(memory)
    for label in ENCODED:
        counts.increment(label)
    assert memory == expected
    assert dict(SharedCounterMap(expected)) == dict.fromkeys(ENCODED, 1)


@given(labels)
def test_equal_labels_have_equal_bytes(label):
    first, second = bytearray(2**17), bytearray(2**17)
    SharedCounterMap(first).increment(label)
    (copied,) = SharedCounterMap(first)
    assert copied == label
    SharedCounterMap(second).increment(copied)
    assert first == second


# ---- Amounts ----


@pytest.mark.parametrize("bad", [1.5, "1", None])
def test_a_bad_amount_makes_no_label(counts, bad):
    with pytest.raises(TypeError, match="amount must be an integer"):
        counts.add("a", bad)
    with pytest.raises(TypeError):
        counts.add("a")
    assert "a" not in counts


def test_amounts_of_64_bits(counts):
    for amount in (2**63, -(2**63) - 1, 2**90):
        with pytest.raises(OverflowError, match="amount must be a signed 64-bit integer"):
            counts.add("a", amount)
    assert "a" not in counts
    for label, end, more in (("up", LARGEST, 1), ("down", SMALLEST, -1)):
        counts.add(label, end)
        with pytest.raises(OverflowError, match=f"{end} \\+ {more} is not a signed 64-bit integer"):
            counts.add(label, more)
        assert counts[label] == end
        counts.add(label, -more)
        assert counts[label] == end - more
    with pytest.raises(OverflowError):
        counts.add("up", LARGEST)
    assert counts.total() == -1


def test_a_count_is_the_sum_of_its_records():
    """Processes that add one label at once make several, and each goes on with the one it knows."""
    for numbers in ([1, 2], [LARGEST] * 5, [SMALLEST] * 3, [LARGEST, SMALLEST, -1], [5, -5], range(50)):
        memory = log_of(*(record(b"sa", number) for number in numbers), record(b"sb", 7))
        counts = SharedCounterMap(memory)
        assert counts["a"] == sum(numbers)
        assert dict(counts) == {"a": sum(numbers), "b": 7}
        assert counts.total() == sum(numbers) + 7
        assert len(counts) == 2
        counts.add("a", -1 if numbers[0] > 0 else 1)
        expected = sum(numbers) + (-1 if numbers[0] > 0 else 1)
        assert counts["a"] == SharedCounterMap(memory)["a"] == expected
        assert counts.reset() == {label: count for label, count in [("a", expected), ("b", 7)] if count}
        assert dict(counts) == {"a": 0, "b": 0}


# ---- Memory ----


def test_any_writable_buffer(memory):
    for buffer in (bytearray(256), memoryview(bytearray(320))[64:], memory):
        first, second = SharedCounterMap(buffer), SharedCounterMap(memory=buffer)
        first.add("a", 5)
        assert second["a"] == 5
    numpy = pytest.importorskip("numpy")
    page = numpy.zeros(32, "int64")
    SharedCounterMap(page).increment("a")
    assert page.view("uint8").tobytes() == log_of(record(b"sa", 1), size=256)


def test_memory_of_its_own():
    for size, expected in ((None, 2**20), (128, 128), (2**16, 2**16), (1000, 1024)):
        counts = SharedCounterMap(size=size)
        counts.increment("a")
        assert repr(counts) == f"<SharedCounterMap with 1 labels, 128 of {expected} bytes used>"
    others = [SharedCounterMap(None, 128 + 8 * number) for number in range(20)]
    for number, counts in enumerate(others):
        counts.add("a", number)
    assert [counts["a"] for counts in others] == [*range(20)]


def test_records_begin_where_cache_lines_do(monkeypatch):
    import ctypes
    from multiprocessing import sharedctypes

    made = []
    raw_array = sharedctypes.RawArray

    def make(*args):
        made.append(raw_array(*args))
        return made[-1]

    monkeypatch.setattr(sharedctypes, "RawArray", make)
    others = []
    for number in range(10):
        others.append(multiprocessing.RawArray("b", 8))
        SharedCounterMap(size=256).add("a", number + 1)
        address = ctypes.addressof(made[-1])
        begin = bytes(made[-1]).index(HEADER)
        assert (address + begin) % LINE == 0


@pytest.mark.parametrize("bad", [5, [0] * 8, 1.5])
def test_not_memory(bad):
    with pytest.raises(TypeError, match=f"memory must be a writable buffer, not {type(bad).__name__}"):
        SharedCounterMap(bad)


def test_read_only_or_not_contiguous():
    for memory in (bytes(256), memoryview(bytearray(256)).toreadonly(), memoryview(bytearray(256))[::2]):
        with pytest.raises(BufferError):
            SharedCounterMap(memory)


@pytest.mark.parametrize("size", [0, 1, 64, 127])
def test_too_small(size):
    memory = bytearray(size)
    with pytest.raises(
        ValueError, match=f"memory of {size} bytes is too small for a SharedCounterMap, which needs 128"
    ):
        SharedCounterMap(memory)
    assert memory == bytes(size)
    with pytest.raises(ValueError, match=f"the size of a SharedCounterMap is at least 128 bytes, not {size}"):
        SharedCounterMap(size=size)


def test_not_aligned(memory):
    with pytest.raises(ValueError, match=r"memory of 4092 bytes is at address 0x[0-9a-f]*[4c], not at a multiple of 8"):
        SharedCounterMap(memoryview(memory)[4:])
    SharedCounterMap(memoryview(memory)[8:])


def test_size_is_for_memory_that_the_map_makes(memory):
    with pytest.raises(ValueError, match="size is for memory that a SharedCounterMap makes, and a mmap has its size"):
        SharedCounterMap(memory, 4096)
    with pytest.raises(TypeError, match="size must be an integer, not float"):
        SharedCounterMap(None, 1e6)
    with contextlib.closing(shared_memory.SharedMemory(create=True, size=4096)) as shared:
        try:
            with pytest.raises(ValueError, match="size is for memory that a SharedCounterMap makes"):
                SharedCounterMap(shared, 4096)
        finally:
            shared.unlink()


def test_size_of_the_header_counts():
    """A process may see memory that is rounded up to pages."""
    memory = mmap.mmap(-1, 4096)
    first = SharedCounterMap(memoryview(memory)[:1000])
    second = SharedCounterMap(memory)
    second.increment("a")
    assert first["a"] == 1
    assert "of 960 bytes" in repr(first)
    assert "of 960 bytes" in repr(second)
    with pytest.raises(ValueError, match="the memory has 952 bytes, and the SharedCounterMap in it 960"):
        SharedCounterMap(memoryview(memory)[:952])


def test_size_of_a_shared_memory():
    """On some systems whoever attaches to one sees whole pages, and may be the first to make a map there."""
    with contextlib.closing(shared_memory.SharedMemory(create=True, size=1000)) as memory:
        try:
            with contextlib.closing(shared_memory.SharedMemory(memory.name)) as other:
                first = SharedCounterMap(other)
                first.increment("a")
                assert SharedCounterMap(memory)["a"] == 1
        finally:
            memory.unlink()


BAD_MEMORY = {
    "has to be all zeros; this has others at offset 4088": bytes(4088) + b"\1" + bytes(7),
    "has to be all zeros; this has others at offset 8": bytes(8) + b"\1" * 56 + bytes(4032),
    r"is no SharedCounterMap of this version and byte order, and not all zeros: it has b'\\x05": b"\5" + bytes(4095),
    r"it has b'import o'": b"import os\n".ljust(4096, b"\0"),
    r"it has b'fcmap 2.'": b"fcmap 2" + HEADER[-1:] + bytes(4088),
    r"it has b'fcmap 1[=<>]'": HEADER[:-1] + b"=" + bytes(4088),
    "cannot have 64 bytes": HEADER + struct.pack("=q", 64) + bytes(4080),
    "cannot have -4096 bytes": HEADER + struct.pack("=q", -4096) + bytes(4080),
    "cannot have 4000 bytes": HEADER + struct.pack("=q", 4000) + bytes(4080),
    "the memory has 4096 bytes, and the SharedCounterMap in it 8192": HEADER + struct.pack("=q", 8192) + bytes(4080),
}


@pytest.mark.parametrize("message", BAD_MEMORY)
def test_other_memory_is_refused(message):
    memory = bytearray(BAD_MEMORY[message])
    with pytest.raises(ValueError, match=message):
        SharedCounterMap(memory)
    assert memory == BAD_MEMORY[message]
    memory.clear()  # which raises BufferError if a map holds the buffer


def test_a_header_that_was_not_finished():
    """A process was killed after its first word."""
    counts = SharedCounterMap(bytearray(HEADER + bytes(4088)))
    counts.increment("a")
    assert "128 of 4096 bytes" in repr(counts)


def test_a_counter_in_a_map_is_refused(memory, counts):
    counts.increment("a")
    before = bytes(memory)
    for offset in (0, 64, 4088):
        with pytest.raises(ValueError, match="the memory holds a SharedCounterMap"):
            SharedCounter(memory, offset)
    SharedCounterMap(memoryview(bytes_at := bytearray(8192))[4096:])
    with pytest.raises(ValueError, match="the memory holds a SharedCounterMap"):
        SharedCounter(bytes_at, 4096)
    assert bytes(memory) == before
    SharedCounter(bytearray(64)).increment()


def test_used_before_init(memory, tmp_path):
    counts = SharedCounterMap.__new__(SharedCounterMap)
    uses = [
        lambda: counts.increment("a"),
        lambda: counts.add("a", 1),
        lambda: counts["a"],
        lambda: counts.get("a"),
        lambda: "a" in counts,
        lambda: len(counts),
        lambda: list(counts),
        lambda: list(counts.items()),
        lambda: counts == {},
        lambda: repr(counts),
        counts.total,
        counts.reset,
        counts.most_common,
        counts.__reduce__,
    ]

    def check_each_use():
        for use in uses:
            with pytest.raises(RuntimeError, match=r"__init__\(\) has not been called"):
                use()

    damaged = tmp_path / "damaged"
    header = _files.HEADER.pack(_files.MAP.magic, _files.BYTE_ORDER, _files.VERSION, 3 * LINE, b"id")
    damaged.write_bytes(header + b"x" * 2 * LINE)
    check_each_use()
    for bad, message in ((memoryview(memory)[4:], "multiple of 8"), (damaged, "no SharedCounterMap")):
        with pytest.raises(ValueError, match=message):
            counts.__init__(bad)
        check_each_use()
    counts.__init__(memory)
    counts.increment("a")
    with pytest.raises(RuntimeError, match="attached already"):
        counts.__init__(bytearray(256))
    assert counts == {"a": 1}


@pytest.mark.threads
def test_threads_that_initialize_one_map(memory):
    for _ in range(200):
        counts = SharedCounterMap.__new__(SharedCounterMap)

        def initialize(counts=counts):
            try:
                counts.__init__(memory)
            except RuntimeError:
                return 0
            return 1

        assert sum(run_threads(*[initialize] * 4)) == 1
        assert counts["a"] == 0


@pytest.mark.threads
def test_threads_that_make_the_same_memory_a_map():
    for _ in range(100):
        memory = bytearray(2**14)

        def count(memory=memory):
            counts = SharedCounterMap(memory)
            counts.increment("a")
            return counts

        for counts in run_threads(*[count] * 4):
            assert dict(counts) == {"a": 4}


def test_memory_cannot_be_closed_while_counted_in(memory):
    counts = SharedCounterMap(memory)
    with pytest.raises(BufferError):
        memory.close()
    counts.increment("a")
    del counts
    memory.close()


# ---- Files ----


def test_a_path(tmp_path):
    path = tmp_path / "labels"
    counts = SharedCounterMap(path, 2**16)
    counts.increment("a")
    SharedCounterMap(str(path)).increment("a")
    assert counts["a"] == 2
    assert repr(counts) == f"<SharedCounterMap with 1 labels, 128 of {2**16} bytes used>"
    del counts
    gc.collect()
    assert SharedCounterMap(path)["a"] == 2
    with pytest.raises(ValueError, match="SharedCounterMap"):
        SharedCounter(path)
    SharedCounter(tmp_path / "count").increment()
    with pytest.raises(ValueError, match="SharedCounter"):
        SharedCounterMap(tmp_path / "count")
    assert SharedCounter(tmp_path / "count").value == 1


def test_a_file_keeps_its_size(tmp_path):
    path = tmp_path / "labels"
    assert "of 1048576 bytes" in repr(SharedCounterMap(path))
    with pytest.warns(RuntimeWarning, match=r"1048576 .*2097152"):
        counts = SharedCounterMap(path, 2**21)
    assert "of 1048576 bytes" in repr(counts)
    assert SharedCounterMap(path, 2**20) == SharedCounterMap(path, 2**19) == {}


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no file that is mapped")
def test_a_file_that_is_replaced(tmp_path):
    path = tmp_path / "labels"
    counts = SharedCounterMap(path, 4096)
    counts.increment("a")
    path.unlink()
    with pytest.warns(RuntimeWarning, match="labels' is another file by now, or none: this process goes on"):
        assert list(counts) == ["a"]
    other = SharedCounterMap(path, 4096)
    assert other == {}
    assert (counts == {"a": 1}, counts.total(), counts.reset()) == (True, 1, {"a": 1})  # it warns once
    for call in (counts.total, counts.reset, counts.items):
        call()


def test_pickling_a_map_on_a_path(tmp_path):
    counts = SharedCounterMap(tmp_path / "labels")
    counts.increment("a")
    again = pickle.loads(pickle.dumps(counts))
    again.increment("a")
    assert counts["a"] == 2
    assert b"fastcounter\n_restore_shared_map\n" in pickle.dumps(counts, 0)


# ---- A full memory ----


def test_a_full_map(memory):
    memory = memoryview(memory)[:640]
    counts, other = SharedCounterMap(memory), SharedCounterMap(memory)
    for number in range(9):
        (counts, other)[number % 2].increment(number)
    for each in (counts, other):
        for call in (each.increment, lambda label: each.add(label, 5)):  # noqa: B023 - called at once
            with pytest.raises(ValueError, match=r"no room for the label 'new': 9 labels take 640 of 640 bytes"):
                call("new")
        assert "new" not in each
    for number in range(9):
        counts.increment(number)
        other.add(number, 2)
    assert dict(counts) == dict(other) == dict.fromkeys(range(9), 4)


def test_a_map_with_room_for_small_labels_only():
    counts = SharedCounterMap(bytearray(640))
    for _ in range(2):
        with pytest.raises(ValueError, match=r"no room for the label 'x{150,}: 0 labels take 64 of 640 bytes"):
            counts.increment("x" * 576)
    for label in ("x" * 400, "y"):
        counts.increment(label)
    for bad in (2**20_000, ("a",) * 1000):
        with pytest.raises(ValueError, match=r"no room for the label .{,250}: 2 labels take 576 of 640 bytes"):
            counts.increment(bad)
    counts.increment("z")
    assert counts.total() == 3


def test_new_labels_in_a_full_map_take_no_memory():
    """Labels that never end must not make a process grow."""
    counts = SharedCounterMap(bytearray(128))
    counts.increment("a")
    size = sys.getsizeof(counts)
    blocks = []
    for _ in range(3):
        for number in range(1000):
            with contextlib.suppress(ValueError):
                counts.increment(f"label {number}")
        gc.collect()
        blocks.append(sys.getallocatedblocks())
    assert blocks[2] - blocks[1] < 100
    assert sys.getsizeof(counts) == size
    assert len(counts) == 1


# ---- Records of processes that died, and damage ----


def test_a_record_that_is_not_ready():
    for others in (0, 1, 10):
        memory = log_of(*[record(b"sdead", ready=False)] * others, record(b"sa", 5), record(b"s" * 100, ready=False))
        counts = SharedCounterMap(memory)
        assert dict(counts) == {"a": 5}
        counts.increment("dead")
        counts.increment("b")
        assert dict(counts) == dict(SharedCounterMap(memory)) == {"a": 5, "dead": 1, "b": 1}


def test_a_record_that_gets_ready_later():
    unready = [record(b"s%d" % number, ready=False) for number in range(10)]
    for order in itertools.chain([range(10), reversed(range(10))], (random.sample(range(10), 10) for _ in range(20))):
        memory = log_of(*unready, record(b"sa", 5))
        counts = SharedCounterMap(memory)
        assert dict(counts) == {"a": 5}
        expected = {"a": 5}
        for number in order:
            start = LINE * (1 + number)
            memory[start : start + LINE] = record(b"s%d" % number, number)
            expected[str(number)] = number
            if random.random() < 0.7:
                assert counts[str(number)] == number
                assert dict(counts) == expected
        assert dict(counts) == expected
        counts.increment("a")
        assert counts.total() == sum(expected.values()) + 1


DAMAGED_WORDS = {
    "no length": record(b"", length=0),
    "no lines": record(b"sa", lines=0),
    "too few lines": record(b"s" * 100, lines=1),
    "too many lines": record(b"sa", lines=2),
    "a length of other lines": record(b"sa", length=49),
    "the largest length": record(b"sa", length=MOST_BYTES, lines=(16 + MOST_BYTES + 63) // 64),
    "behind the end": record(b"sa", length=4096, lines=65),
    "a length of 17 bits": record(b"sa", length=2**16, lines=(16 + 2**16 + 63) // 64),
    "a length of 32 bits": record(b"sa", length=2**32 - 1, lines=2**26),
    "most lines": record(b"sa", lines=2**31 - 1),
    "the ready bit only": record(b"", length=0, lines=0),
    "not ready, and no lines": record(b"sa", lines=0, ready=False),
}
DAMAGED_LABELS = [
    b"\0",
    b"x",
    b"S",
    b"s\xff",
    b"s\xc0\x80",
    b"s\xe2\x82",
    b"+\0",
    b"+\0\1",
    b"-",
    b"-\0\1",
    b"(\0",
    b"(\1",
    b"(\2s",
    b"(\1s\1",
    b"(\2s\xff",
    b"(\xff",
    b"(\xff\0",
    b"(\xff\xff",
    b"(\xff\xff\xff",
    b"(\xff\0\5saaaa",
    b"(\xff\0\xfes" + b"a" * 253,
    b"(\xff\1\0s" + b"a" * 254,
    functools.reduce(lambda inner, _: b"(" + bytes([len(inner)]) + inner, range(33), b"sa"),
]
READS = {
    "len": len,
    "list": list,
    "total": lambda counts: counts.total(),
    "reset": lambda counts: counts.reset(),
    "getitem": lambda counts: counts["a"],
    "get": lambda counts: counts.get("b"),
    "contains": lambda counts: "b" in counts,
    "items": lambda counts: list(counts.items()),
    "eq": lambda counts: counts == {},
    "repr": repr,
    "new label": lambda counts: counts.increment("b"),
}


def check_damage(bad, offset=2 * LINE):
    """The label before the damage still counts, and whatever would have to read on raises."""
    memory = log_of(record(b"sa", 5), bad, record(b"sb", 6))
    counts = SharedCounterMap(memory)
    for _ in range(2):
        for call in READS.values():
            with pytest.raises(ValueError, match=f"the memory is damaged: at offset {offset} is no label"):
                call(counts)
        counts.increment("a")
    counts.add("a", 10)
    assert struct.unpack_from("=q", memory, LINE) == (17,)


@pytest.mark.parametrize("name", DAMAGED_WORDS)
def test_damaged_words(name):
    check_damage(DAMAGED_WORDS[name])


@pytest.mark.parametrize("encoded", DAMAGED_LABELS, ids=ascii)
def test_damaged_labels(encoded):
    check_damage(record(encoded))


def test_a_record_that_vanishes():
    memory = log_of(record(b"sa", ready=False), record(b"sb"))
    counts = SharedCounterMap(memory)
    assert len(counts) == 1
    memory[LINE : 2 * LINE] = bytes(LINE)
    with pytest.raises(ValueError, match="the memory is damaged: at offset 64 is no label"):
        len(counts)


def test_random_damage():
    run_script("shared_map.py", "damage", 300)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_memory_that_another_process_damages_meanwhile():
    run_script("shared_map.py", "meanwhile", 20)


# ---- No memory, finalizers ----


@pytest.mark.untraceable
def test_no_memory(without_memory):
    """Whichever allocation fails, a call either succeeds or changes no count.  Nor is a record taken in twice."""
    calls = {
        "increment": (lambda counts: counts.increment("a"), 1),
        "increment new": (lambda counts: counts.increment("new"), 1),
        "add new": (lambda counts: counts.add(("new", 2**70), 2**40), 2**40),
        "reset": (lambda counts: counts.reset(), None),
        "total": (lambda counts: counts.total(), 0),
        "list": (lambda counts: list(counts), 0),
        "getitem": (lambda counts: counts["a"], 0),
    }
    failures = collections.Counter()
    for size, (name, (call, effect)) in itertools.product((1, 5, 12), calls.items()):
        # The second record of a label, and labels for which the table grows, are taken in by the call that fails.
        records = [record(b"(\1s\2+" + bytes([number + 1]), 2**62 + number) for number in range(size)]
        log = log_of(record(b"sa", 2**40), *records, record(b"sdead", ready=False), *records, size=2**14)
        before = SharedCounterMap(log).total()
        for counts, failed in without_memory(40 + 12 * size, lambda log=log: SharedCounterMap(bytearray(log)), call):
            failures[name] += failed
            after = before if failed else 0 if effect is None else before + effect
            for _ in range(2):
                assert counts.total() == after
            assert len(counts) - size - 1 <= name.endswith("new")
            counts.increment("new")
            assert counts["new"] in (1, 2)
    assert all(failures[name] for name in calls)


@pytest.mark.untraceable
def test_no_memory_to_reset_loses_nothing(without_memory):
    """Also if no allocation succeeds from some moment on."""
    log = log_of(*(record(b"+" + bytes([number + 1]), 2**62) for number in range(20)))
    failures = 0

    def make():
        counts = SharedCounterMap(bytearray(log))
        assert len(counts) == 20
        return counts

    for counts, failed in without_memory(60, make, SharedCounterMap.reset, for_good=True):
        assert dict(counts) == dict.fromkeys(range(1, 21), 0 if not failed else 2**62)
        failures += failed
    assert failures > 1


@pytest.mark.usefixtures("short_collections")
@pytest.mark.parametrize("use", ["read", "increment", "fork"])
def test_finalizers_that_use_the_map(use):
    """To make a tuple can run the garbage collector, up to 3.11: each record is taken in once all the same."""
    if use == "fork" and not hasattr(os, "fork"):
        pytest.skip("needs fork")
    memory = mmap.mmap(-1, 2**17)
    writer = SharedCounterMap(memory)
    for number in range(300):
        writer.increment(("label", (number,)))
    finalized = []

    class Cycle:
        def __init__(self, counts):
            self.itself, self.counts = self, counts

        def __del__(self):
            finalized.append(True)
            if use == "read":
                assert self.counts["label", (5,)] == 1
            elif use == "increment":
                self.counts.increment(("late", (len(finalized) % 3,)))
            elif len(finalized) % 10 == 0:
                finalized.append(Child(check, self.counts).wait())

    def check(counts):
        assert sum(1 for label in counts if label[0] == "label") == 300
        assert {counts["label", (number,)] for number in range(300)} == {1}

    for _ in range(20):
        counts = SharedCounterMap(memory)
        kept = [Cycle(counts) for _ in range(100)]
        threshold = gc.get_threshold()
        gc.set_threshold(1)
        try:
            del kept
            counts.increment(("own", (1,)))
            check(counts)
        finally:
            gc.set_threshold(*threshold)
        gc.collect()
        check(counts)
    assert finalized
    assert all(finalized[index] in (0, True) for index in range(len(finalized)))
    own = 20
    late = sum(count for label, count in writer.items() if label[0] == "late")
    assert writer.total() == 300 + own + late
    assert late == (len(finalized) if use == "increment" else 0)


# ---- Subclasses, lifetimes, pickles ----


class Named(SharedCounterMap):
    def __init__(self, name, memory=None):
        super().__init__(memory)
        self.name = name


def test_subclasses(memory):
    class Slotted(SharedCounterMap):
        __slots__ = ()

    named, slotted = Named("requests", memory), Slotted(memory)
    named.increment("a")
    slotted.add("a", 2)
    assert (named.name, named["a"], slotted["a"]) == ("requests", 3, 3)
    assert repr(named).startswith("<Named with 1 labels")
    for kind in (Named, Slotted):
        for name in ("increment", "add", "reset", "total", "get"):
            assert vars(kind)[name].__objclass__ is kind  # calls are then as fast as those of the class itself


def test_no_copies(counts):
    for call in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="a SharedCounterMap cannot be copied: a copy would be in the same memory"):
            call(counts)


def test_other_memory_is_never_pickled(counts):
    with pytest.raises(TypeError, match="a SharedCounterMap in memory of type mmap cannot be pickled"):
        pickle.dumps(counts)
    with pytest.raises(TypeError, match="a Named in memory of multiprocessing's heap can be pickled only while"):
        pickle.dumps(Named("requests"))


@pytest.fixture
def shared():
    memory = shared_memory.SharedMemory(create=True, size=2**16)
    yield memory
    gc.collect()
    memory.close()
    memory.unlink()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(shared, protocol):
    counts = Named("requests", shared)
    counts.add(("a", 1), 2**40)
    again = pickle.loads(pickle.dumps(counts, protocol))
    assert (type(again), again.name) == (Named, "requests")
    again.increment(("a", 1))
    assert counts == again == {("a", 1): 2**40 + 1}


def test_hostile_pickles(shared):
    restore, (cls, args, kwargs, memory, begin), _ = SharedCounterMap(shared).__reduce__()
    assert begin == 0
    with pytest.raises(TypeError, match="only a class of counters"):
        restore(dict, args, kwargs, memory, begin)
    for bad in (-8, 2**17, 2**62):
        with pytest.raises(ValueError, match=f"byte {bad} is not in memory of 65536 bytes"):
            restore(cls, args, kwargs, memory, bad)
    with pytest.raises(ValueError, match="multiple of 8"):
        restore(cls, args, kwargs, memory, 4)
    for bad in (5, None, "labels"):
        with pytest.raises(TypeError):
            restore(cls, args, kwargs, bad, 0)


def test_the_map_keeps_the_memory():
    class Memory(bytearray):
        pass

    memory = Memory(4096)
    alive = weakref.ref(memory)
    counts = SharedCounterMap(memory)
    del memory
    gc.collect()
    for number in range(30):
        counts.increment((number, "label"))
    assert alive() is not None
    reference = weakref.ref(counts)
    del counts
    gc.collect()
    assert (reference(), alive()) == (None, None)


def test_labels_are_freed_with_the_map(memory):
    counts = SharedCounterMap(memory)
    label = ("a", len(memory))  # a constant would be immortal from 3.14 on
    before = sys.getrefcount(label)
    counts.increment(label)
    assert sys.getrefcount(label) == before + 1
    del counts
    gc.collect()
    assert sys.getrefcount(label) == before


@pytest.mark.threads
def test_what_two_threads_use_is_freed_by_a_collection(memory):
    counts = SharedCounterMap(memory)
    freed = weakref.ref(counts)
    run_threads(functools.partial(counts.increment, "a"))
    del counts
    assert (freed() is not None) is DEFERS
    gc.collect()
    assert freed() is None


def test_cycles_are_collected(memory):
    counts = Named("requests", memory)
    counts.itself = counts
    freed = weakref.ref(counts)
    del counts
    for _ in range(3):
        gc.collect()
    assert freed() is None
    memory.close()


# ---- Threads ----


def maps_of_threads(kind, memory, threads):
    """The same map for all threads, or one for each."""
    counts = SharedCounterMap(memory)
    return [counts] * threads if kind == "one map" else [SharedCounterMap(memory) for _ in range(threads)]


each_kind = pytest.mark.parametrize("kind", ["one map", "a map each"])


@pytest.mark.threads
@each_kind
def test_threads_that_make_the_same_labels(kind):
    """While others read, iterate and reset."""
    threads, each, rounds = 6, 200, 10
    for _ in range(rounds):
        *maps, reading, resetting = maps_of_threads(kind, mmap.mmap(-1, 2**20), threads + 2)
        taken = collections.Counter()
        done = []

        def count(counts, done=done):
            for number in range(each):
                counts.increment(str(number))
                counts.add(("pair", number), 2**33)
            done.append(True)

        def read(counts=reading, done=done):
            while len(done) < threads:
                before, seen = len(counts), list(counts.items())
                assert before <= len(seen) == len({label for label, _ in seen})

        def reset(counts=resetting, done=done, taken=taken):
            while len(done) < threads:
                taken.update(counts.reset())

        run_threads(read, reset, *(functools.partial(count, counts) for counts in maps))
        taken.update(maps[0].reset())
        assert taken == {
            **{str(number): threads for number in range(each)},
            **{("pair", number): threads * 2**33 for number in range(each)},
        }
        # Two threads may add one label at the same time, but not again and again.
        assert len(reading) == 2 * each
        assert used(reading) <= LINE * (1 + 2 * each * threads)


@pytest.mark.threads
@each_kind
def test_threads_that_count_in_one_label(kind):
    memory = mmap.mmap(-1, 2**16)
    maps = maps_of_threads(kind, memory, 4)

    def count(counts):
        for _ in range(30_000):
            counts.increment("a")
            counts.add("b", -3)

    run_threads(*(functools.partial(count, counts) for counts in maps))
    for counts in (*maps, SharedCounterMap(memory)):
        assert dict(counts) == {"a": 120_000, "b": -360_000}
    assert used(maps[0]) <= LINE * (1 + 2 * (8 + 4))


@pytest.mark.threads
@each_kind
def test_counts_that_one_thread_reads_never_decrease(kind):
    reading, *maps = maps_of_threads(kind, mmap.mmap(-1, 2**16), 4)
    done = []

    def count(counts):
        for _ in range(20_000):
            counts.increment("a")
        done.append(True)

    def read():
        before = 0
        while len(done) < 3:
            value = reading["a"]
            assert value >= before
            before = value

    run_threads(read, *(functools.partial(count, counts) for counts in maps))
    assert reading["a"] == 60_000


@pytest.mark.threads
@each_kind
def test_an_increment_that_happened_before_is_read(kind):
    maps = maps_of_threads(kind, mmap.mmap(-1, 2**20), 4)
    sent = collections.deque()

    def count(number):
        for index in range(2000):
            label = (number, index)
            maps[number].increment(label)
            sent.append(label)
            with contextlib.suppress(IndexError):
                assert maps[number][sent.popleft()] == 1

    run_threads(*(functools.partial(count, number) for number in range(4)))
    assert maps[0].total() == 8000


@pytest.mark.threads
def test_threads_in_a_full_map():
    counts = SharedCounterMap(bytearray(LINE * 11))
    refused = []

    def count():
        for number in range(2000):
            try:
                counts.increment(number % 20)
            except ValueError:
                refused.append(number)

    run_threads(*[count] * 4)
    assert counts.total() == 8000 - len(refused)
    assert 1 <= len(counts) <= 10


# ---- Processes ----


def count_labels(memory, times, labels, number=0):
    counts = SharedCounterMap(memory)
    for index in range(times):
        counts.increment(f"label {index % labels}")
        counts.add(("own", number), 2)


METHODS = multiprocessing.get_all_start_methods()


def count_in_file(path, times, labels, number):
    count_labels(map_file(path), times, labels, number)


@pytest.mark.parametrize("method", METHODS)
def test_processes_of_each_start_method(tmp_path, method):
    path = tmp_path / "labels"
    path.write_bytes(bytes(2**16))
    context = multiprocessing.get_context(method)
    run_processes(
        *(context.Process(target=count_in_file, args=(path, 6000, 30, number)) for number in range(3)),
        meanwhile=functools.partial(count_in_file, path, 6000, 30, 3),
    )
    expected = {f"label {number}": 800 for number in range(30)} | {("own", number): 12_000 for number in range(4)}
    assert SharedCounterMap(map_file(path)) == expected


def count_passed(*maps):
    for counts in maps:
        for number in range(1000):
            counts.increment(number % 10)
            counts.increment("a")


@pytest.mark.parametrize("method", METHODS)
def test_arguments_of_a_process(shared, tmp_path, method):
    maps = [
        SharedCounterMap(),
        SharedCounterMap(None, 4096),
        SharedCounterMap(shared),
        SharedCounterMap(multiprocessing.RawArray("b", 4096)),
        SharedCounterMap(tmp_path / "labels"),
    ]
    context = multiprocessing.get_context(method)
    run_processes(*(context.Process(target=count_passed, args=maps) for _ in range(2)))
    for counts in maps:
        assert counts == {**dict.fromkeys(range(10), 200), "a": 2000}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
class TestForks:
    def test_records_do_not_grow_with_processes(self):
        """Not with those that come and go, nor if many of them meet on many labels."""
        memory = mmap.mmap(-1, 2**20)
        names = [f"label {number}" for number in range(500)]

        def count():
            counts = SharedCounterMap(memory)
            chosen = random.Random(os.getpid()).sample(names, len(names))
            for _ in range(20):
                for label in chosen:
                    counts.increment(label)

        for _ in range(5):
            children = [Child(count) for _ in range(4)]
            assert [child.wait() for child in children] == [0] * 4
        counts = SharedCounterMap(memory)
        assert counts == dict.fromkeys(names, 400)
        assert used(counts) < LINE * 1000

    def test_processes_that_count_in_one_label(self):
        """They move apart, but not to more than eight records, or a few more if they race."""
        memory = mmap.mmap(-1, 2**16)

        def count():
            counts = SharedCounterMap(memory)
            for _ in range(200_000):
                counts.increment("a")

        for _ in range(3):
            children = [Child(count) for _ in range(4)]
            assert [child.wait() for child in children] == [0] * 4
        counts = SharedCounterMap(memory)
        assert counts == {"a": 2_400_000}
        assert used(counts) <= LINE * (1 + 8 + 4)

    def test_half_of_the_memory_is_for_labels(self):
        memory = mmap.mmap(-1, 2**12)

        def count():
            counts = SharedCounterMap(memory)
            for _ in range(3000):
                for number in range(31):
                    counts.increment(number)

        children = [Child(count) for _ in range(4)]
        assert [child.wait() for child in children] == [0] * 4
        counts = SharedCounterMap(memory)
        assert counts == dict.fromkeys(range(31), 12_000)
        for number in range(31, 40):
            counts.increment(number)

    def test_a_child_goes_on_with_its_parents_map(self, memory):
        counts = SharedCounterMap(memory)
        counts.increment("parent")

        def count():
            counts.increment("parent")
            counts.increment("child")
            assert counts == {"parent": 2, "child": 1}

        assert Child(count).wait() == 0
        counts.increment("child")
        assert counts == {"parent": 2, "child": 2}

    def test_killed_children_lose_nothing(self):
        """The session `kills` of noxfile.py runs far more rounds."""
        run_script("shared_map.py", "kills", 20)

    def test_children_never_hang(self):
        run_script("shared_map.py", "forks", 100)
