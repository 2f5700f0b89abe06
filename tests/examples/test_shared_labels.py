"""examples/shared_labels.py: a label is there once, or not at all, whoever adds it, forks and is killed meanwhile."""

import itertools
import mmap
import os
import random
import re
import signal
import struct
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from fastcounter import SharedCounter
from helpers import Child, kill_at_any_moment, run_threads

SLOTS, SLOT = 4096, 256
PATIENCE = 300  # seconds until a process is hung

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
takes_long = pytest.mark.skipif(
    not os.environ.get("FASTCOUNTER_EXAMPLES"), reason="takes long; nox -s examples runs it"
)


@pytest.fixture(autouse=True)
def patience():
    """Raise TimeoutError in a test that hangs, as on a lock that nobody unlocks."""

    def give_up(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def file(tmp_path):
    return str(tmp_path / "labels.count")


def content(file):
    """The counts by label, as the format says.  No label is there twice."""
    data = Path(file).read_bytes()
    assert len(data) == SLOTS * SLOT
    (used,) = struct.unpack_from("q", data, 64)
    slots = [data[SLOT * number : SLOT * (number + 1)] for number in range(1, 1 + used)]
    labels = [slot[8 : slot.index(b"\xff", 8)].decode() for slot in slots]
    assert len(set(labels)) == len(labels)
    return {label: struct.unpack_from("q", slot)[0] for label, slot in zip(labels, slots, strict=True)}


def values(counts):
    return {label: counter.value for label, counter in counts.items()}


CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
LABELS = {
    "empty": [""],
    "null": ["\0", "\0\0", "a", "a\0", "\0a"],
    "white": [" ", "\n", "\r\n", "a\n", "\t", "\u2028"],
    "alike": ["é", "e\u0301", "É", "\xff", "\ufffd", "\ufeff", "\uffff"],
    "long": ["a" * 247, "b" * 246, "é" * 123, "\U0010ffff" * 61],
    "numbers": [str(number) for number in range(2000)],
    "random": ["".join(random.Random(number).choices(CHARACTERS, k=60)) for number in range(500)],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_of_any_kind(example, file, labels):
    counts = example.SharedLabels(file)
    other = example.SharedLabels(file)
    for number, label in enumerate(labels):
        counts[label].add(number)
        other[label].increment()
    expected = {label: number + 1 for number, label in enumerate(labels)}
    again = example.SharedLabels(file)
    assert again == {}
    again.read()
    assert values(counts) == values(other) == values(again) == content(file) == expected


def test_a_label_is_read_only_if_all_is_there(example, file):
    counts, other = example.SharedLabels(file), example.SharedLabels(file)
    counts["a"].add(5)
    other.read()
    assert values(other) == {"a": 5}
    counts["b"].increment()
    assert values(other) == {"a": 5}
    counts["a"].increment()
    assert values(other) == {"a": 6}
    other.read()
    assert values(other) == {"a": 6, "b": 1}


@pytest.mark.parametrize(
    "label",
    ["a" * 248, "é" * 124, "a" * 100_000, "\ud800", "a\udfff", None, 1, b"a"],
    ids=lambda label: ascii(label)[:9],
)
def test_a_label_that_cannot_be_stored_is_refused(example, file, label):
    counts = example.SharedLabels(file)
    counts["a"].increment()
    before = Path(file).read_bytes()
    with pytest.raises((ValueError, AttributeError)) as info:
        counts[label]
    if isinstance(label, str) and label.isprintable():
        assert str(info.value) == f"no room for {label!r}: {file!r} has counts of up to 4095 labels of up to 247 bytes"
    assert Path(file).read_bytes() == before
    counts["b"].increment()  # the file is not left locked
    assert content(file) == {"a": 1, "b": 1}


def test_a_full_file(example, file):
    counts, other = example.SharedLabels(file), example.SharedLabels(file)
    for number in range(SLOTS - 1):
        counts[str(number)].increment()
    before = Path(file).read_bytes()
    refusal = re.escape(f"no room for 'one more': {file!r} has counts of up to 4095 labels of up to 247 bytes")
    for each in (counts, other, example.SharedLabels(file)):
        with pytest.raises(ValueError, match=f"^{refusal}$"):
            each["one more"]
        assert Path(file).read_bytes() == before
    for number in range(SLOTS - 1):
        other[str(number)].increment()
    assert content(file) == {str(number): 2 for number in range(SLOTS - 1)}


@pytest.mark.parametrize(
    "found",
    [
        b"\0" * SLOT * SLOTS,
        b"http_responses {'2xx': 1024}\n".ljust(4096, b"\0"),
        b"counts of up to 4095 labels of up to 119 bytes".ljust(SLOT * SLOTS, b"\0"),
        b"12345\n",
        b"\0",
        "é".encode(),
    ],
)
def test_a_file_of_another_format_is_refused(example, file, found):
    Path(file).write_bytes(found)
    refusal = re.escape(f"{file!r} begins with {found[: len(example.HEADER)]!r}, not with {example.HEADER!r}")
    for _ in range(2):
        with pytest.raises(ValueError, match=f"^{refusal}: use another file$"):
            example.SharedLabels(file)
    assert Path(file).read_bytes() == found


@pytest.mark.parametrize("size", [0, 1, 45, 46, 47, 64, 70, 256, 4096, SLOT * SLOTS - 1, SLOT * SLOTS])
def test_a_file_that_a_process_killed_has_begun(example, file, size):
    assert len(example.HEADER) == 46
    Path(file).write_bytes(example.HEADER.ljust(SLOT * SLOTS, b"\0")[:size])
    counts = example.SharedLabels(file)
    counts["a"].increment()
    assert content(file) == {"a": 1}


def test_the_working_directory_may_change(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counts = example.SharedLabels("labels.count")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    counts["a"].increment()
    assert content(tmp_path / "labels.count") == {"a": 1}
    assert os.listdir() == []


@pytest.mark.parametrize("objects", [1, 8])
def test_threads_add_the_same_labels_at_once(example, tmp_path, objects):
    for number in range(20):
        file = str(tmp_path / str(number))
        shared = [example.SharedLabels(file) for _ in range(objects)] * (8 // objects)

        def count(counts):
            for label in range(100):
                counts[str(label)].increment()

        run_threads(*[lambda counts=counts: count(counts) for counts in shared])
        assert content(file) == {str(label): 8 for label in range(100)}


@pytest.mark.parametrize("opened", ["before the fork", "after it"])
def test_processes_add_the_same_labels_at_once(example, tmp_path, opened):
    def count(file, inherited, start):
        os.read(start, 1)  # returns when all have been forked
        counts = inherited or example.SharedLabels(file)
        for label in range(500):
            counts[str(label)].increment()

    for number in range(10):
        file = str(tmp_path / str(number))
        inherited = example.SharedLabels(file) if opened == "before the fork" else None
        start, end = os.pipe()
        children = [
            Child(lambda *args, end=end: (os.close(end), count(*args)), file, inherited, start) for _ in range(4)
        ]
        os.close(end)
        assert [child.wait() for child in children] == [0] * 4
        os.close(start)
        assert content(file) == {str(label): 4 for label in range(500)}


def test_labels_are_read_while_others_add_them(example, file):
    counts, labels = example.SharedLabels(file), [f"{number} {'x' * (number % 230)}" for number in range(600)]

    def add():
        adding = example.SharedLabels(file)
        for number, label in enumerate(labels):
            if number % 20 == 0:
                time.sleep(0.01)  # lets others read what is there
            adding[label].increment()

    def read():
        sizes = set()
        while len(counts) < len(labels):
            counts.read()
            read = values(counts.copy())
            assert list(read) == labels[: len(read)]
            assert set(read.values()) <= {0, 1}
            sizes.add(len(read))
        assert len(sizes) > 5

    child = Child(add)
    run_threads(read, read)
    assert child.wait() == 0
    assert content(file) == dict.fromkeys(labels, 1)


VICTIM = "victim" * 40


def call_and_die(example, function, step):
    """Call a function that calls the example, and kill the process at a step: before the interpreter's next one."""
    steps = itertools.count()

    def trace(frame, event, _):
        if frame.f_code.co_filename != example.__file__:
            return None
        frame.f_trace, frame.f_trace_opcodes, frame.f_trace_lines = trace, True, False
        if event == "opcode" and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    function()


@takes_long
def test_a_process_is_killed_at_any_step_of_making_a_file(example, tmp_path):
    for step in itertools.count():
        file = str(tmp_path / str(step))
        status = Child(call_and_die, example, lambda file=file: example.SharedLabels(file), step).wait()
        assert status in (0, -signal.SIGKILL)
        example.SharedLabels(file)["a"].increment()
        assert content(file) == {"a": 1}
        os.unlink(file)
        if status == 0:
            break
    assert step > 50


@takes_long
def test_a_process_is_killed_at_any_step_of_adding_a_label(example, tmp_path):
    for step in itertools.count():
        file = str(tmp_path / str(step))
        example.SharedLabels(file)["first"].increment()
        counts = example.SharedLabels(file)
        status = Child(call_and_die, example, lambda counts=counts: counts[VICTIM].increment(), step).wait()
        if status == 0:
            break
        assert status == -signal.SIGKILL
        assert content(file) in ({"first": 1}, {"first": 1, VICTIM: 0})
        counts["next"].increment()
        counts[VICTIM].increment()
        assert content(file) == {"first": 1, "next": 1, VICTIM: 1}
        os.unlink(file)
    assert step > 50
    assert content(file) == {"first": 1, VICTIM: 1}


@pytest.mark.skipif(sys.version_info[:2] == (3, 14), reason="`with` may leave any lock taken (python/cpython#148874)")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_signal_handlers_raise_while_labels_are_added(example, file):
    def interrupt(*_):
        raise KeyboardInterrupt

    counts, labels, interrupted = example.SharedLabels(file), [str(number) for number in range(SLOTS - 1)], 0
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        while len(counts) < len(labels):
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 1e-3))
                for label in labels[len(counts) :]:
                    counts[label]
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupted += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 20
    assert content(file) == dict.fromkeys(labels, 0)
    assert run_threads(lambda: example.SharedLabels(file)["0"].value) == [0]  # no lock is left taken


@takes_long
def test_processes_are_killed_at_any_moment(example, tmp_path):
    labels = [f"{number} {'x' * (number % 230)}" for number in range(2000)]
    killed = 0
    for number in range(20):
        file = str(tmp_path / str(number))
        memory = mmap.mmap(-1, 8 * len(labels))
        counted = [SharedCounter(memory, 8 * index) for index in range(len(labels))]

        def count(file=file, counted=counted):
            counts = example.SharedLabels(file)
            for index in random.sample(range(len(labels)), len(labels)):
                counts[labels[index]].increment()
                counted[index].increment()

        last, *victims = [Child(count) for _ in range(4)]
        kill_at_any_moment(*victims)
        deaths = [victim.wait() for victim in victims].count(-signal.SIGKILL)
        assert last.wait() == 0  # it has not waited for the dead
        in_file = content(file)
        assert set(in_file) == set(labels)
        more = [in_file[label] - counter.value for label, counter in zip(labels, counted, strict=True)]
        assert min(more) >= 0
        assert sum(more) <= deaths
        killed += deaths
    assert killed > 20


@takes_long
def test_children_are_forked_while_threads_add_labels(example, file):
    counts, forking = example.SharedLabels(file), [True]

    def add(thread):
        rounds = 0
        while forking:
            rounds += 1
            mine = example.SharedLabels(file)  # has to look up each label in the file
            for number in range(10):
                mine[f"{thread} {number}"].increment()
            time.sleep(0.001)  # lets others run
        return rounds

    def add_in_child(child):
        for number in range(3):
            counts[f"child {child} {number}"].increment()

    def fork_on():
        try:
            for child in range(100):
                assert Child(add_in_child, child).wait() == 0  # it does not hang
        finally:
            forking.clear()

    _, *rounds = run_threads(fork_on, *[partial(add, thread) for thread in range(2)])
    expected = {f"{thread} {number}": rounds[thread] for thread in range(2) for number in range(10)}
    expected.update({f"child {child} {number}": 1 for child in range(100) for number in range(3)})
    assert content(file) == expected


def test_a_child_does_not_hold_the_lock_of_its_dead_parent(example, file):
    flock, locked = example.fcntl.flock, threading.Event()
    receive, send = os.pipe()

    def slow_flock(*args):
        flock(*args)
        locked.set()
        time.sleep(0.3)

    def live():
        os.close(send)
        os.read(receive, 1)  # until the end of the test

    def die():
        counts = example.SharedLabels(file)
        example.fcntl.flock = slow_flock
        threading.Thread(target=lambda: counts["a"]).start()
        locked.wait()
        Child(live)
        os.kill(os.getpid(), signal.SIGKILL)

    assert Child(die).wait() == -signal.SIGKILL
    example.SharedLabels(file)["b"].increment()
    assert content(file) == {"a": 0, "b": 1}
    os.close(send)
    os.close(receive)
