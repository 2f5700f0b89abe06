"""SharedCounter: one count for threads, processes and interpreters.  test_processes.py passes it to processes."""

import array
import collections
import contextlib
import ctypes
import gc
import inspect
import itertools
import mmap
import multiprocessing
import os
import re
import struct
import subprocess
import sys
import weakref
from multiprocessing import shared_memory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcounter import SharedCounter
from helpers import (
    SCRIPTS,
    Child,
    check_what_the_killed_counted,
    kill_at_any_moment,
    map_file,
    run_processes,
    run_threads,
)

LARGEST, SMALLEST = 2**63 - 1, -(2**63)


@pytest.fixture
def memory():
    return mmap.mmap(-1, 4096)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "counts"
    path.write_bytes(bytes(4096 * 4))
    return path


def start(*args):
    command = [sys.executable, SCRIPTS / "shared.py", *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


# ---- One thread ----


def test_every_call(memory):
    counter = SharedCounter(memory)
    assert counter.value == 0
    assert counter.increment() is None
    assert counter.add(5) is None
    same = counter
    counter += 10
    counter -= 3
    assert counter is same
    assert counter.increment_and_get() == 14
    assert counter.add_and_get(-4) == 10
    assert (int(counter), counter.value, counter.reset(), counter.reset()) == (10, 10, 10, 0)
    counter.value = -7
    assert counter.value == -7
    assert repr(SharedCounter(memory, 64)) == "<SharedCounter at offset 64, count 0>"


def test_the_count_is_in_the_memory(memory):
    memory[:] = bytes(range(256)) * 16
    before = bytes(memory)
    counter = SharedCounter(memory, 64)
    assert bytes(memory) == before  # making a counter does not write
    assert counter.value == struct.unpack_from("q", memory, 64)[0]
    counter.value = -2
    assert struct.unpack_from("q", memory, 64)[0] == -2
    assert bytes(memory[:64] + memory[72:]) == before[:64] + before[72:]


def test_any_writable_buffer():
    for memory in (bytearray(64), array.array("q", [0] * 8), memoryview(bytearray(128))[64:], mmap.mmap(-1, 64)):
        first, second = SharedCounter(memory, 8), SharedCounter(memory, offset=8)
        first.add(5)
        assert second.value == 5
    numpy = pytest.importorskip("numpy")
    page = numpy.zeros(16, "int64")
    SharedCounter(page, 24).increment()
    assert page.tolist() == [0, 0, 0, 1] + [0] * 12


class Record(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_double), ("count", ctypes.c_int64))


@pytest.mark.parametrize("code", [*"bBhHiIlLqQnNcP?"])
def test_bytes_and_integers_of_any_size(code):
    memory = memoryview(bytearray(64)).cast(code)
    SharedCounter(memory, 8).increment()
    assert struct.unpack_from("q", memory, 8) == (1,)
    SharedCounter(memory.cast("B").cast(code, (2, 32 // memory.itemsize)), 8).increment()
    assert struct.unpack_from("q", memory, 8) == (2,)


def test_structs():
    records = (Record * 4)()
    SharedCounter(records, 16 + Record.count.offset).increment()
    assert [record.count for record in records] == [0, 1, 0, 0]
    numpy = pytest.importorskip("numpy")
    table = numpy.zeros(4, [("count", "i8"), ("seconds", "f8")])
    SharedCounter(table, 32).increment()
    assert table["count"].tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("memory", "format"),
    [
        (array.array("f", [0] * 8), "f"),
        (array.array("d", [0] * 8), "d"),
        (memoryview(bytearray(64)).cast("d"), "d"),
        ((ctypes.c_double * 8)(), f"{'<>'[sys.byteorder == 'big']}d"),
        (((ctypes.c_float * 8) * 2)(), f"{'<>'[sys.byteorder == 'big']}f"),
        ((ctypes.py_object * 8)(), f"{'<>'[sys.byteorder == 'big']}O"),
        *((dtype, None) for dtype in ("e", "f", "d", "g", "F", "D", "G", "O", ">f8", "(2,3)f8")),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_floats_complex_numbers_and_objects(memory, format):
    if isinstance(memory, str):
        memory = pytest.importorskip("numpy").zeros(64, memory)
        format = memoryview(memory).format
    with pytest.raises(TypeError, match="memory must hold bytes or integers, not floats, complex numbers or"):
        SharedCounter(memory)
    with pytest.raises(TypeError, match=re.escape(f"(format {format!r})")):
        SharedCounter(memory, 8)
    if isinstance(memory, array.array):
        memory.append(0)  # which raises BufferError if a counter holds the buffer


@pytest.mark.parametrize("bad", [5, 1.5, [0] * 8])
def test_not_a_buffer(bad):
    with pytest.raises(TypeError, match=f"memory must be a writable buffer, not {type(bad).__name__}"):
        SharedCounter(bad)


def test_read_only_or_not_contiguous():
    bad = [bytes(64), memoryview(bytearray(64)).toreadonly(), memoryview(bytearray(64))[::2]]
    with contextlib.suppress(ImportError):
        import numpy

        frozen = numpy.zeros(8, "int64")
        frozen.flags.writeable = False
        bad += [frozen, numpy.zeros(8, "int64")[::2]]
    for memory in bad:
        with pytest.raises(BufferError):
            SharedCounter(memory)


@pytest.mark.parametrize("offset", [-8, -1, 4089, 4096, 2**62, 2**70, -(2**70), 1, 4, 63])
def test_bad_offsets(memory, offset):
    with pytest.raises(ValueError, match=rf"offset {offset} .*4096 bytes"):
        SharedCounter(memory, offset)
    memory.close()  # which raises BufferError if a counter holds the buffer


def test_alignment_is_that_of_memory(memory):
    with pytest.raises(ValueError, match=r"offset 0 .* 16 bytes is at address 0x[0-9a-f]*[4c], not at a multiple of 8"):
        SharedCounter(memoryview(memory)[4:20])
    counter = SharedCounter(memoryview(memory)[4:20], 4)
    counter.increment()
    assert int.from_bytes(memory[8:16], sys.byteorder) == 1


@pytest.mark.parametrize("bad", [1.5, "1", None])
def test_not_an_integer(memory, bad):
    counter = SharedCounter(memory)
    counter.value = 2**40
    for name, call in (
        ("amount", counter.add),
        ("amount", counter.add_and_get),
        ("amount", counter.__iadd__),
        ("amount", counter.__isub__),
        ("value", lambda value: setattr(counter, "value", value)),
        ("offset", lambda offset: SharedCounter(memory, offset)),
    ):
        with pytest.raises(TypeError, match=f"{name} must be an integer, not {type(bad).__name__}"):
            call(bad)
    assert counter.value == 2**40


@pytest.mark.parametrize("amount", [2**63, -(2**63) - 1, 2**90])
def test_amounts_of_more_than_64_bits(memory, amount):
    counter = SharedCounter(memory)
    for call in (counter.add, counter.add_and_get, counter.__iadd__, lambda value: setattr(counter, "value", value)):
        wanted = rf"must be a signed 64-bit integer; this one has {amount.bit_length()} bits and a sign"
        with pytest.raises(OverflowError, match=wanted):
            call(amount)
    assert counter.value == 0


def test_overflow_at_both_ends(memory):
    counter = SharedCounter(memory)
    for end, amounts in ((LARGEST, [1, 2**62, LARGEST]), (SMALLEST, [-1, -(2**62), SMALLEST])):
        for amount in amounts:
            counter.value = end
            for call in (counter.add, counter.add_and_get, counter.__iadd__):
                with pytest.raises(OverflowError, match=f"{end} \\+ {amount} "):
                    call(amount)
            assert counter.value == end
    counter.value = LARGEST
    for call in (counter.increment, counter.increment_and_get):
        with pytest.raises(OverflowError):
            call()
    assert counter.reset() == LARGEST


@pytest.mark.parametrize("count", [SMALLEST, -5, -1, 0, 1, LARGEST])
@pytest.mark.parametrize("amount", [SMALLEST, SMALLEST + 1, -1, 0, 1, LARGEST])
def test_subtracting_any_amount_of_64_bits(memory, count, amount):
    counter = SharedCounter(memory)
    counter.value = count
    if SMALLEST <= count - amount <= LARGEST:
        counter -= amount
        assert counter.value == count - amount
    else:
        with pytest.raises(OverflowError, match=f"{count} - {amount} is not a signed 64-bit integer"):
            counter -= amount
        assert counter.value == count


@pytest.mark.untraceable
def test_no_memory(memory, without_memory):
    """Whichever allocation fails, a call either succeeds or leaves the count unchanged.

    An addition stands if there is no memory for the new count that it returns.
    """
    effects = {"increment": 1, "increment_and_get": 1, "reset": -(2**40), "__int__": 0}
    failures = collections.Counter()

    def make():
        counter = SharedCounter(memory)
        counter.value = 2**40
        return counter

    for name, effect in effects.items():
        for counter, failed in without_memory(5, make, getattr(SharedCounter, name)):
            failures[name] += failed
            stands = failed and name == "increment_and_get"
            assert counter.value == 2**40 + (0 if failed and not stands else effect)
    assert all(failures[name] for name in effects if name != "increment")


def test_value_cannot_be_deleted(memory):
    class Subclass(SharedCounter):
        pass

    for cls in (SharedCounter, Subclass):
        counter = cls(memory)
        with pytest.raises(AttributeError, match=f"^{cls.__name__}.value cannot be deleted$"):
            del counter.value


amounts = st.integers(-5, 5) | st.integers(-(2**65), 2**65) | st.sampled_from([LARGEST, SMALLEST, 2**62, -(2**62)])


@given(st.lists(st.tuples(st.sampled_from(["add", "add_and_get", "increment_and_get", "value", "reset"]), amounts)))
def test_any_sequence_of_calls(calls):
    counter, expected = SharedCounter(bytearray(8)), 0
    for name, amount in calls:
        result = {"add": expected + amount, "add_and_get": expected + amount, "increment_and_get": expected + 1}.get(
            name, amount if name == "value" else 0
        )
        fits = SMALLEST <= result <= LARGEST and (
            name in ("reset", "increment_and_get") or SMALLEST <= amount <= LARGEST
        )
        with contextlib.nullcontext() if fits else pytest.raises(OverflowError):
            if name == "value":
                counter.value = amount
            elif name == "reset":
                assert counter.reset() == expected
            elif name == "increment_and_get":
                assert counter.increment_and_get() == result
            else:
                assert getattr(counter, name)(amount) == (result if name == "add_and_get" else None)
        expected = result if fits else expected
        assert counter.value == expected


def test_signature_and_names():
    assert str(inspect.signature(SharedCounter)) == "(memory=None, offset=0)"
    assert (SharedCounter.__module__, repr(SharedCounter)) == ("fastcounter", "<class 'fastcounter.SharedCounter'>")
    with pytest.raises(TypeError, match="immutable"):
        SharedCounter.increment = None


# ---- Subclasses, lifetimes ----


def test_subclasses(memory):
    class Named(SharedCounter):
        def __init__(self, name, memory):
            super().__init__(memory)
            self.name = name

    class Slotted(SharedCounter):
        __slots__ = ()

    named, slotted = Named("requests", memory), Slotted(memory)
    named.increment()
    slotted.add(2)
    assert (named.name, named.value, slotted.value) == ("requests", 3, 3)
    for kind in (Named, Slotted):
        assert vars(kind)["increment"].__objclass__ is kind  # calls are then as fast as those of the class itself
    for kind in (Named, Slotted, type("Leaf", (Named,), {})):
        assert issubclass(kind, SharedCounter)


def test_used_before_init(memory):
    counter = SharedCounter.__new__(SharedCounter)
    for use in (
        counter.increment,
        counter.increment_and_get,
        counter.reset,
        lambda: counter.add(1),
        lambda: counter.add_and_get(1),
        lambda: counter.value,
        lambda: setattr(counter, "value", 5),
        lambda: repr(counter),
        lambda: int(counter),
    ):
        with pytest.raises(RuntimeError, match=r"__init__\(\) has not been called"):
            use()
    with pytest.raises(ValueError, match="offset"):
        counter.__init__(memory, 4)
    counter.__init__(memory)
    counter.increment()
    with pytest.raises(RuntimeError, match="attached already"):
        counter.__init__(bytearray(8))
    assert counter.value == 1


@pytest.mark.threads
def test_threads_that_initialize_one_counter(memory):
    for _ in range(300):
        counter = SharedCounter.__new__(SharedCounter)

        def initialize(counter=counter):
            try:
                counter.__init__(memory)
            except RuntimeError:
                return 0
            return 1

        assert sum(run_threads(*[initialize] * 4)) == 1
        assert counter.value == 0


def test_memory_cannot_be_closed_while_counted_in(memory):
    counter = SharedCounter(memory)
    with pytest.raises(BufferError):
        memory.close()
    counter.increment()
    del counter
    memory.close()


def test_the_counter_keeps_the_memory():
    class Memory(bytearray):
        pass

    memory = Memory(64)
    alive = weakref.ref(memory)
    counter = SharedCounter(memory)
    del memory
    gc.collect()
    counter.increment()
    assert alive() is not None
    reference = weakref.ref(counter)
    del counter
    gc.collect()
    assert (reference(), alive()) == (None, None)


def test_cycles_are_collected():
    """A cycle through attributes is collected; the garbage collector does not see the reference to the memory."""

    class Sub(SharedCounter):
        pass

    memory = bytearray(64)
    counter = Sub(memory)
    counter.counter = counter
    alive = weakref.ref(counter)
    del counter
    for _ in range(3):
        gc.collect()
    assert alive() is None
    memory.append(0)  # which raises BufferError if a counter holds the buffer


def test_a_buffer_that_is_hostile():
    if sys.version_info < (3, 12):
        pytest.skip("buffers in Python are new in 3.12")

    class Memory:
        def __buffer__(self, flags):
            with contextlib.suppress(RuntimeError):
                counter.__init__(bytearray(8))
            raise ZeroDivisionError

    counter = SharedCounter.__new__(SharedCounter)
    with pytest.raises(ZeroDivisionError):
        counter.__init__(Memory())
    with pytest.raises(RuntimeError, match="has not been called"):
        counter.increment()


# ---- Threads, processes, interpreters ----


@pytest.mark.threads
def test_threads(memory):
    def count():
        counter = SharedCounter(memory, 8)
        for _ in range(20_000):
            counter.increment()
            counter.add(2)

    def reset():
        return sum(SharedCounter(memory, 8).reset() for _ in range(2000))

    results = run_threads(*[count] * 4, reset)
    assert results[-1] + SharedCounter(memory, 8).value == 4 * 20_000 * 3


@pytest.mark.threads
def test_every_new_count_is_returned_once(memory):
    counter = SharedCounter(memory)
    results = run_threads(*[lambda: [counter.increment_and_get() for _ in range(10_000)]] * 4)
    assert sorted(itertools.chain(*results)) == list(range(1, 40_001))


def count_in_file(path, times):
    counter = SharedCounter(map_file(path), 8)
    for _ in range(times):
        counter.increment()


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_of_each_start_method(path, method):
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=count_in_file, args=(path, 50_000)) for _ in range(3)]
    run_processes(*processes, meanwhile=lambda: count_in_file(path, 50_000))
    assert SharedCounter(map_file(path), 8).value == 200_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_children_share_anonymous_memory(memory):
    counter = SharedCounter(memory)

    def count():
        for _ in range(20_000):
            counter.increment()

    children = [Child(count) for _ in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    assert counter.value == 80_000


def count_in_shared_memory(name, times):
    memory = shared_memory.SharedMemory(name)
    counter = SharedCounter(memory.buf, 8)
    for _ in range(times):
        counter.increment()
    del counter
    memory.close()


def test_shared_memory():
    memory = shared_memory.SharedMemory(create=True, size=64)
    try:
        counter = SharedCounter(memory.buf, 8)
        context = multiprocessing.get_context("spawn")
        run_processes(*(context.Process(target=count_in_shared_memory, args=(memory.name, 30_000)) for _ in range(2)))
        assert counter.value == 60_000
        del counter
        memory.close()
    finally:
        memory.unlink()


def test_processes_racing_over_the_edge(path):
    counter = SharedCounter(map_file(path))
    for room in (0, 1, 200_000):
        counter.value = LARGEST - room
        processes = [start("edge", path, 0) for _ in range(2)]
        added = [int(process.communicate(timeout=60)[0]) for process in processes]
        assert sum(added) == room
        assert counter.value == LARGEST


@pytest.mark.threads
def test_a_jump_to_the_edge_while_others_add(memory):
    """An addition does not wrap around if another thread sets the count to the maximum meanwhile."""
    counter = SharedCounter(memory)

    def jump():
        for _ in range(20_000):
            counter.value = LARGEST
            assert counter.value == LARGEST
            counter.value = 0

    def add():
        for _ in range(20_000):
            with contextlib.suppress(OverflowError):
                assert 0 < counter.increment_and_get() < 100_000

    run_threads(jump, add, add)


@pytest.mark.long
def test_killed_workers_lose_nothing(path):
    memory = map_file(path)
    workers = 15 if os.name == "nt" else 100  # Windows takes long to start one
    for number in range(1, workers + 1):
        worker = start("record", path, number)
        assert worker.stdout.readline() == "ready\n"
        kill_at_any_moment(worker)
        worker.communicate()
    total, *owns = (SharedCounter(memory, 64 * number) for number in range(1 + workers))
    check_what_the_killed_counted(total, owns)


def test_numpy_reads_while_others_write(path):
    numpy = pytest.importorskip("numpy")
    memory = map_file(path)
    page = numpy.frombuffer(memory, "int64")
    processes = [start("count", path, 8 * slot, 30_000) for slot in range(4)]
    before = 0
    while None in [process.poll() for process in processes]:
        seen = int(page[:4].sum())
        assert before - 4 * 3 <= seen <= 4 * 30_003
        before = seen
    for process in processes:
        process.communicate()
    assert page[:5].tolist() == [30_000] * 4 + [0]


@pytest.mark.threads
@pytest.mark.skipif(sys.version_info < (3, 14), reason="concurrent.interpreters is new in 3.14")
def test_interpreters_count_in_one_memory(memory):
    from concurrent import interpreters

    queue = interpreters.create_queue()
    code = (
        "from fastcounter import SharedCounter\n"
        "view = queue.get()\n"
        "counter = SharedCounter(view)\n"
        "for _ in range(30_000): counter.increment()\n"
        "try: counter.add(2**63 - 1)\n"
        "except OverflowError: pass\n"
        "del counter\n"
        "view.release()\n"
    )
    others = [interpreters.create() for _ in range(2)]
    for other in others:
        other.prepare_main(queue=queue)
        queue.put(memoryview(memory))
    run_threads(*[lambda other=other: other.exec(code) for other in others])
    assert SharedCounter(memory).value == 60_000
    for other in others:
        other.close()
