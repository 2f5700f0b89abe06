"""A SharedCounter goes to other processes, by each way to start a process on this platform."""

import array
import copy
import ctypes
import gc
import itertools
import mmap
import multiprocessing
import os
import pickle
import re
import signal
import sys
import weakref
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import RawArray, RawValue, sharedctypes
from multiprocessing.reduction import ForkingPickler
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import pytest

import fastcounter
from fastcounter import SharedCounter, SharedCounterMap, _memory
from helpers import (
    SCRIPTS,
    check_what_the_killed_counted,
    count_until_killed,
    kill_at_any_moment,
    run_processes,
    run_python,
    run_quietly,
    run_threads,
)

pytestmark = [pytest.mark.processes, pytest.mark.hangs_under_wine]

METHODS = multiprocessing.get_all_start_methods()

each_method = pytest.mark.parametrize("method", METHODS)


@pytest.fixture(params=METHODS)
def context(request):
    """multiprocessing with each way to start a process."""
    return multiprocessing.get_context(request.param)


@pytest.fixture
def memory():
    memory = SharedMemory(create=True, size=64 * 200)
    yield memory
    memory.close()
    memory.unlink()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "jobs.count"
    SharedCounter(path, 64 * 199)  # the file has room for this one, and keeps its size
    return path


@pytest.fixture(params=["a SharedMemory", "a path"])
def named(request):
    """Each kind of memory whose counters can be pickled at any time."""
    return request.getfixturevalue({"a SharedMemory": "memory", "a path": "path"}[request.param])


WHEN_IT_IS_PICKLED = "can be pickled only while multiprocessing starts a process"
KINDS = ["its own", "a RawArray", "a RawValue", "a SharedMemory", "a path"]


@pytest.fixture
def counters(memory, path):
    """A counter in each kind of memory that goes to other processes."""
    made = [
        SharedCounter(),
        SharedCounter(RawArray("q", 4), 24),
        SharedCounter(RawValue("q")),
        SharedCounter(memory, 64),
        SharedCounter(path, 64),
    ]
    return dict(zip(KINDS, made, strict=True))


def count(*counters, times=1000):
    for _ in range(times):
        for counter in counters:
            counter.increment()


def values(counters):
    return {kind: counter.value for kind, counter in counters.items()}


# ---- What a process is started with ----


def count_by_keyword(counters):
    count(*counters.values(), times=3000)


def test_arguments_of_a_process(context, counters):
    run_processes(
        context.Process(target=count, args=tuple(counters.values())),
        context.Process(target=count_by_keyword, kwargs={"counters": counters}),
    )
    assert values(counters) == dict.fromkeys(KINDS, 4000)


def set_counters(*counters):
    global passed
    passed = counters


def count_passed(times):
    count(*passed, times=times)


def test_initargs_of_a_pool(context, counters):
    with context.Pool(2, set_counters, tuple(counters.values())) as pool:
        pool.map(count_passed, [200] * 20)
    assert values(counters) == dict.fromkeys(KINDS, 4000)


def test_initargs_of_an_executor(context, counters):
    with ProcessPoolExecutor(2, context, set_counters, tuple(counters.values())) as pool:
        list(pool.map(count_passed, [200] * 20))
    assert values(counters) == dict.fromkeys(KINDS, 4000)


class Worker(multiprocessing.get_context("spawn").Process):
    def __init__(self):
        super().__init__()
        self.counter = SharedCounter()

    def run(self):
        count(self.counter)


def test_an_attribute_of_a_process():
    worker = Worker()
    run_processes(worker)
    assert worker.counter.value == 1000


def pass_on(method, *counters):
    count(*counters)
    run_processes(multiprocessing.get_context(method).Process(target=count, args=counters))


def test_a_child_passes_it_to_a_child_of_its_own(context, counters):
    run_processes(context.Process(target=pass_on, args=(context.get_start_method(), *counters.values())))
    assert values(counters) == dict.fromkeys(KINDS, 2000)


def test_two_hundred_counters(context, named):
    own = [SharedCounter() for _ in range(200)]
    in_one_memory = [SharedCounter(named, 64 * number) for number in range(200)]
    run_processes(*(context.Process(target=add_numbers, args=(own, in_one_memory)) for _ in range(2)))
    for counters in (own, in_one_memory):
        assert [counter.value for counter in counters] == [2 * number for number in range(200)]


def add_numbers(*lists):
    for counters in lists:
        for number, counter in enumerate(counters):
            counter.add(number)


def test_a_new_counter_is_zero():
    for _ in range(200):
        counter = SharedCounter()
        assert counter.value == 0
        counter.value = -1  # its memory is used again


def test_own_memory_keeps_counters_apart(monkeypatch):
    """They are in different cache lines of 64 bytes, so they do not slow each other down."""
    take = sharedctypes.RawArray
    taken = []
    monkeypatch.setattr(sharedctypes, "RawArray", lambda *args: taken.append(take(*args)) or taken[-1])
    counters = [SharedCounter() for _ in range(100)]
    addresses = sorted(map(ctypes.addressof, taken))
    assert len(addresses) == len(counters)
    assert min(after - before for before, after in itertools.pairwise(addresses)) >= 64


# ---- What is sent to a process at any time ----


def take_and_count(queue, times):
    for _ in range(times):
        queue.get().increment()


def test_submit_and_map(context, named):
    counters = [SharedCounter(named, 64 * number) for number in range(3)]
    with ProcessPoolExecutor(2, context) as executor:
        executor.submit(count, counters[0], times=500).result()
        list(executor.map(count, counters * 4))
    with context.Pool(2) as pool:
        pool.map(count, counters)
    assert [counter.value for counter in counters] == [5500, 5000, 5000]


def test_a_queue(context, named):
    counter = SharedCounter(named, 64)
    for queue in (context.Queue(), context.SimpleQueue()):
        process = context.Process(target=take_and_count, args=(queue, 100))
        process.start()
        for _ in range(100):
            queue.put(counter)
        process.join()
        assert process.exitcode == 0
    assert counter.value == 200


@pytest.fixture
def joblib():
    joblib = pytest.importorskip("joblib")
    yield joblib
    # It keeps threads, and later tests fork, or let memory run out.
    joblib.externals.loky.get_reusable_executor().shutdown(wait=True)


def test_joblib(joblib, named):
    """It starts processes in its own way, and pickles functions and arguments in its own way."""
    counter = SharedCounter(named, 64)
    with joblib.parallel_config("loky", n_jobs=2, idle_worker_timeout=1):
        joblib.Parallel()(joblib.delayed(lambda: counter.increment())() for _ in range(20))
        joblib.Parallel()(joblib.delayed(count)(counter) for _ in range(4))
        assert counter.value == 4020
        with pytest.raises(pickle.PicklingError) as error:
            joblib.Parallel()(joblib.delayed(count)(SharedCounter()) for _ in range(4))
    assert WHEN_IT_IS_PICKLED in str(error.value.__cause__)


def test_initargs_of_loky(named):
    """Its own pickler pickles them while a process is started."""
    loky = pytest.importorskip("joblib.externals.loky")

    def start(counter):
        with loky.ProcessPoolExecutor(1, initializer=count, initargs=(counter,), timeout=1) as pool:
            pool.submit(int).result()

    counter = SharedCounter(named, 64)
    start(counter)
    assert counter.value == 1000
    if os.name == "nt":
        return  # where its own memory has a name
    for counter in (SharedCounter(), SharedCounter(RawArray("q", 8))):
        with pytest.raises(TypeError, match=f"{WHEN_IT_IS_PICKLED}: .*, loky .* A SharedCounter on a path"):
            start(counter)


# ---- Maps ----


@pytest.fixture
def maps(memory, tmp_path):
    """A SharedCounterMap in each kind of memory that goes to other processes.  The last two go there at any time."""
    return [
        SharedCounterMap(),
        SharedCounterMap(None, 4096),
        SharedCounterMap(RawArray("b", 4096)),
        SharedCounterMap(memory),
        SharedCounterMap(tmp_path / "jobs.counts"),
    ]


def count_labels(*maps, times=1000):
    for number in range(times):
        for counts in maps:
            counts.increment(number % 10)
            counts.increment("a")


def count_labels_passed(times):
    count_labels(*passed, times=times)


def check_labels(maps, times):
    for counts in maps:
        assert counts == {**dict.fromkeys(range(10), times // 10), "a": times}


def test_maps_in_initargs(context, maps):
    with context.Pool(2, set_counters, maps) as pool:
        pool.map(count_labels_passed, [200] * 20)
    with ProcessPoolExecutor(2, context, set_counters, maps) as executor:
        list(executor.map(count_labels_passed, [200] * 20))
    check_labels(maps, 8000)


def test_maps_that_tasks_get(context, maps):
    maps = maps[-2:]
    with context.Pool(2) as pool:
        pool.starmap(count_labels, [maps] * 4)
    with ProcessPoolExecutor(2, context) as executor:
        for future in [executor.submit(count_labels, *maps) for _ in range(4)]:
            future.result()
    check_labels(maps, 8000)


def test_maps_of_joblib_and_loky(joblib, maps):
    loky = pytest.importorskip("joblib.externals.loky")
    maps = maps[-2:]
    with joblib.parallel_config("loky", n_jobs=2, idle_worker_timeout=1):
        joblib.Parallel()(joblib.delayed(count_labels)(*maps) for _ in range(4))
    with loky.ProcessPoolExecutor(2, initializer=set_counters, initargs=maps, timeout=1) as executor:
        list(executor.map(count_labels_passed, [1000] * 4))
    check_labels(maps, 8000)


# ---- Other processes, and pickles ----


def test_a_process_that_is_no_child(named):
    """Its end does not unlink the memory."""
    counter = SharedCounter(named, 64)
    code = f"import pickle; pickle.loads({pickle.dumps(counter)!r}).increment()"
    for _ in range(2):
        run_quietly("-c", code)
    assert counter.value == 2


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_each_protocol(named, protocol):
    counter = SharedCounter(named, 64)
    other = pickle.loads(pickle.dumps(counter, protocol))
    other.increment()
    assert (counter.value, type(other), repr(other)) == (1, SharedCounter, "<SharedCounter at offset 64, count 1>")


def test_pickles_name_the_package(named):
    """Then the modules of the package can be renamed without breaking programs that run at the same time."""
    assert set(re.findall(rb"c(fastcounter.*)\n", pickle.dumps(SharedCounter(named), 0))) == {b"fastcounter"}


# ---- Subclasses ----


class Named(SharedCounter):
    def __init__(self, name, *args):
        super().__init__(*args)
        self.name = name


class Slotted(SharedCounter):
    __slots__ = ("name", "unset")


class WithArguments(SharedCounter):
    """Its __new__ takes an argument."""

    def __new__(cls, name, *args):
        self = super().__new__(cls)
        self.name = name
        return self

    def __init__(self, name, *args):
        super().__init__(*args)

    def __getnewargs__(self):
        return (self.name,)


def make_slotted(name, *args):
    counter = Slotted(*args)
    counter.name = name
    return counter


def check_and_count(counters, kinds):
    assert [type(counter) for counter in counters] == kinds
    for counter in counters:
        assert (counter.name, hasattr(counter, "unset")) == ("requests", False)
    count(*counters)


MAKES = [Named, make_slotted, WithArguments]


def test_subclasses_of_a_process(context, named):
    counters = [make("requests", *args) for make in MAKES for args in ((), (named, 64))]
    run_processes(context.Process(target=check_and_count, args=(counters, [type(counter) for counter in counters])))
    assert [counter.value for counter in counters] == [1000, 3000] * 3


@pytest.mark.parametrize("make", MAKES)
def test_subclasses_in_a_pickle(named, make):
    counter = make("requests", named, 64)
    check_and_count([pickle.loads(pickle.dumps(counter))], [type(counter)])
    assert counter.value == 1000


def test_a_subclass_with_a_pickle_of_its_own(memory):
    class Other(SharedCounter):
        def __reduce__(self):
            return int, (5,)

        def __copy__(self):
            return self

    counter = Other(memory)
    assert pickle.loads(pickle.dumps(counter)) == 5
    assert copy.copy(counter) is counter


# ---- What is not pickled, and what is said then ----


@pytest.mark.parametrize("make", [SharedCounter, lambda: SharedCounter(RawArray("q", 8)), lambda: Named("requests")])
def test_own_memory_at_any_other_time(make):
    counter = make()
    name = type(counter).__name__
    wanted = rf"a {name} .* {WHEN_IT_IS_PICKLED}: .* multiprocessing's Process, .* initargs .* A {name} on a path"
    with pytest.raises(TypeError, match=wanted):
        pickle.dumps(counter)
    with pytest.raises(TypeError, match="initargs"):
        ForkingPickler.dumps(counter)  # as queues and executors do


class PickledByAnother:
    """Pickles its counter by pickle, as wrappers around cloudpickle do, while multiprocessing starts a process."""

    def __init__(self, counter):
        self.counter = counter

    def __getstate__(self):
        return pickle.dumps(self.counter)


@pytest.mark.skipif("spawn" not in METHODS or os.name == "nt", reason="Windows finds the memory by a name")
@pytest.mark.parametrize("kind", KINDS[:3])
def test_another_pickler_does_not_copy(counters, kind):
    process = multiprocessing.get_context("spawn").Process(target=count, args=(PickledByAnother(counters[kind]),))
    with pytest.raises(TypeError, match="cannot pickle"):
        process.start()


@pytest.mark.parametrize(
    "buffer",
    [bytearray(64), memoryview(bytearray(64)), array.array("q", [0]), (ctypes.c_int64 * 8)(), mmap.mmap(-1, 64)],
    ids=lambda buffer: type(buffer).__name__,
)
def test_other_memory_is_never_pickled(context, buffer):
    counter = SharedCounter(buffer)
    name = type(buffer).__name__
    with pytest.raises(TypeError, match=f"a SharedCounter in memory of type {name} cannot be pickled: .* a path"):
        pickle.dumps(counter)
    if context.get_start_method() != "fork":
        with pytest.raises(TypeError, match="cannot be pickled"):
            context.Process(target=count, args=(counter,)).start()


def test_no_copies(counters):
    for counter in [*counters.values(), SharedCounter(bytearray(8))]:
        for way in (copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="a SharedCounter cannot be copied"):
                way(counter)


@pytest.mark.parametrize("make", [multiprocessing.Value, lambda code: multiprocessing.Array(code, 1)])
def test_a_value_with_a_lock(make):
    value = make("q")
    with pytest.raises(TypeError, match=r"memory must be a writable buffer, not Synchronized\w*; .*\.get_obj\(\)"):
        SharedCounter(value)
    SharedCounter(value.get_obj()).add(5)
    assert value.get_obj()[:] == [5] if hasattr(value, "__getitem__") else value.value == 5


def test_a_shared_memory_of_another_package():
    kind = type("SharedMemory", (), {"__module__": "multiprocess.shared_memory", "buf": memoryview(bytearray(64))})
    wanted = "not SharedMemory of multiprocess.shared_memory; make it by multiprocessing.shared_memory, or pass a path"
    with pytest.raises(TypeError, match=wanted):
        SharedCounter(kind())


def test_a_counter_without_memory_is_not_pickled():
    with pytest.raises(RuntimeError, match="has not been called"):
        pickle.dumps(SharedCounter.__new__(SharedCounter))


@pytest.mark.parametrize("not_a_class", [object, int, fastcounter.FastReadCounter, None, 5])
def test_only_classes_of_shared_counters_are_restored(not_a_class):
    with pytest.raises(TypeError, match="only a class of counters can be restored"):
        fastcounter._restore_shared(not_a_class, (), {}, bytearray(8), 0)


@pytest.mark.parametrize("result", [None, 5, SharedCounter, fastcounter.FastReadCounter(5)], ids=repr)
def test_new_that_returns_something_else(result):
    class Elsewhere(SharedCounter):
        def __new__(cls):
            return result

    with pytest.raises(TypeError, match="must return an instance of its class"):
        fastcounter._restore_shared(Elsewhere, (), {}, bytearray(8), 0)


@pytest.mark.parametrize(
    ("memory", "offset", "error"),
    [
        (5, 0, TypeError),
        (b"12345678", 0, BufferError),
        (bytearray(8), 8, ValueError),
        (bytearray(8), -8, ValueError),
        (bytearray(8), 2**70, ValueError),
        (bytearray(8), "0", TypeError),
    ],
)
def test_pickles_with_other_memory(memory, offset, error):
    with pytest.raises(error):
        fastcounter._restore_shared(SharedCounter, (), {}, memory, offset)


@pytest.mark.parametrize("name", [5, None, b"name", "", "no such name", "../name", "na\0me", "n" * 5000])
def test_pickles_with_other_names(name):
    with pytest.raises((TypeError, ValueError, OSError)):
        fastcounter._attach(name)


# ---- A counter that each process makes anew ----

MADE_BY_EACH_PROCESS = """
import multiprocessing, sys
from fastcounter import SharedCounter

counter = SharedCounter({memory})

def count(_):
    counter.increment()
    SharedCounter().increment()  # the program has been imported by now

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        pool.map(count, range(20))
    print(counter.value)
"""


@each_method
@pytest.mark.parametrize("memory", ["", "bytearray(8)"], ids=["its own", "the user's"])
def test_a_warning(tmp_path, method, memory):
    (tmp_path / "program.py").write_text(MADE_BY_EACH_PROCESS.format(memory=memory))
    result = run_python("program.py", method, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    if memory or method == "fork":
        assert result.stderr == ""
    else:
        assert result.stdout == "0\n"
        lines = re.findall(
            r"program\.py:5: RuntimeWarning: .* apart .* a path, or .* pass it to the child", result.stderr
        )
        assert 1 <= len(lines) <= 3, result.stderr  # from each child, or from the server that forks them
        assert result.stderr.count("RuntimeWarning") == len(lines)


def test_importing_does_not_import_multiprocessing():
    code = (
        "import sys, fastcounter; fastcounter.SharedCounter(bytearray(8)).increment();"
        "print({'multiprocessing', 'ctypes', 'mmap', 'tempfile', 'fastcounter._memory'} & {*sys.modules})"
    )
    assert run_quietly("-c", code) == "set()\n"


# ---- SharedMemory ----


def test_it_can_be_closed_and_unlinked_first():
    memory = SharedMemory(create=True, size=64)
    counter = SharedCounter(memory)
    memory.close()
    counter.increment()
    pickle.loads(pickle.dumps(counter)).increment()
    with pytest.raises(ValueError, match="closed"):
        SharedCounter(memory)
    memory.unlink()
    if os.name != "nt":
        with pytest.raises(FileNotFoundError):
            pickle.loads(pickle.dumps(counter))
    counter.increment()
    assert counter.value == 3


@pytest.mark.parametrize("known", [True, False], ids=["", "the system does not say which memory it is"])
def test_the_counter_needs_only_the_name(monkeypatch, known):
    """It goes on when the SharedMemory is gone."""
    if not known:
        monkeypatch.setattr(_memory, "identity_of", lambda descriptor, name: None)
    memory = SharedMemory(create=True, size=64)
    other = SharedMemory(memory.name)
    counter = SharedCounter(memory)
    alive = weakref.ref(memory)
    del memory
    gc.collect()
    assert (alive() is None) == known
    pickle.loads(pickle.dumps(counter)).increment()
    SharedCounter(other).increment()
    assert counter.value == 2
    del counter
    gc.collect()
    assert alive() is None
    other.unlink()


def test_one_that_is_not_tracked(context):
    if sys.version_info < (3, 13):
        pytest.skip("SharedMemory(track=False) is new in 3.13")
    memory = SharedMemory(create=True, size=64, track=False)
    counter = SharedCounter(memory)
    with ProcessPoolExecutor(1, context) as pool:
        pool.submit(count, counter).result()
    assert counter.value == 1000
    memory.close()
    memory.unlink()


def test_bad_offsets(memory):
    size = memory.size
    for offset in (-8, 4, size, size - 4, 2**70):
        with pytest.raises(ValueError, match=f"offset {offset} .* {size} bytes"):
            SharedCounter(memory, offset)
    SharedCounter(memory, size - 8).add(5)
    assert memory.buf[size - 8 : size].tobytes() == (5).to_bytes(8, sys.byteorder)


def mapping_of(counter):
    return counter.__reduce__()[1][3]


def test_counters_in_one_share_a_mapping(memory):
    counters = [SharedCounter(memory, 64 * number) for number in range(200)]
    counters += pickle.loads(pickle.dumps(counters))
    counters += [pickle.loads(pickle.dumps(counter)) for counter in counters]
    other = SharedMemory(memory.name)
    if other.size == memory.size:  # on some systems, not the one that has made it sees whole pages
        counters.append(SharedCounter(other))
        assert len({id(mapping_of(counter)) for counter in counters}) == 1
    other.close()


@pytest.mark.skipif(not Path("/proc/self/maps").exists() or os.name == "nt", reason="needs /proc")
def test_counters_that_arrive_one_by_one_share_a_mapping(memory, tmp_path):
    """In a process that does not have the memory otherwise."""
    data = [pickle.dumps(SharedCounter(memory, 64 * number)) for number in range(200)]
    (tmp_path / "data").write_bytes(pickle.dumps(data))
    code = (
        "import os, pathlib, pickle\n"
        "counters = [pickle.loads(data) for data in pickle.loads(pathlib.Path('data').read_bytes())]\n"
        "for number, counter in enumerate(counters): counter.add(number)\n"
        "names = [os.path.realpath(f'/proc/self/fd/{number}') for number in os.listdir('/proc/self/fd')]\n"
        f"print(pathlib.Path('/proc/self/maps').read_text().count({memory.name!r}), str(names).count({memory.name!r}))"
    )
    result = run_python("-c", code, cwd=tmp_path)
    assert (result.stdout, result.stderr) == (f"1 {int(sys.version_info < (3, 13))}\n", "")
    assert [SharedCounter(memory, 64 * number).value for number in range(200)] == list(range(200))


@pytest.mark.skipif(os.name == "nt", reason="Windows gives a name to another memory only when nobody maps the first")
@pytest.mark.parametrize("known", [True, False], ids=["", "the system does not say which memory it is"])
def test_a_name_that_is_used_again(monkeypatch, known):
    if not known:
        monkeypatch.setattr(_memory, "identity_of", lambda descriptor, name: None)
    name = f"fastcounter-{os.getpid()}"
    counters = []
    for number in range(4):
        memory = SharedMemory(name, create=True, size=64)
        data = pickle.dumps(SharedCounter(memory))
        memory.close()
        counters += [pickle.loads(data), pickle.loads(data)]
        counters[-1].add(number)
        memory.unlink()
    assert [counter.value for counter in counters] == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no descriptor")
def test_a_version_of_python_in_which_it_has_no_descriptor(memory):
    descriptor = memory._fd
    del memory._fd
    try:
        counter = SharedCounter(memory, 64)
    finally:
        memory._fd = descriptor
    counter.increment()
    assert SharedCounter(memory, 64).value == 1
    with pytest.raises(TypeError, match="memoryview cannot be pickled"):
        pickle.dumps(counter)
    del counter


def test_after_the_package_is_imported_again():
    code = (
        "import multiprocessing.shared_memory as shared_memory, pickle, sys; from unittest import mock\n"
        "memory = shared_memory.SharedMemory(create=True, size=64)\n"
        "with mock.patch.dict(sys.modules):\n"
        "    import fastcounter; counter = fastcounter.SharedCounter(memory)\n"
        "import fastcounter; other = fastcounter.SharedCounter(memory)\n"
        "for each in (counter, other): pickle.loads(pickle.dumps(each)).increment()\n"
        "memory.unlink(); print(counter.value)"
    )
    assert run_quietly("-c", code) == "2\n"


def test_threads_that_use_one(named):
    def use():
        for number in range(200):
            counter = SharedCounter(named, 64 * number)
            counter.increment()
            pickle.loads(pickle.dumps(counter)).increment()
            SharedCounter().increment()

    run_threads(*[use] * 4)
    assert {SharedCounter(named, 64 * number).value for number in range(200)} == {8}


# ---- Processes that die, and programs that end ----


def record(ready, totals, owns):
    ready.release()
    count_until_killed(totals, owns)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_children_lose_nothing(context, counters):
    totals = list(counters.values())
    records = [[SharedCounter() for _ in totals] for _ in range(4)]
    ready = context.Semaphore(0)
    processes = [context.Process(target=record, args=(ready, totals, owns)) for owns in records]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    kill_at_any_moment(*processes)
    for process in processes:
        process.join()
    for total, *owns in zip(totals, *records, strict=True):
        check_what_the_killed_counted(total, owns)


@each_method
@pytest.mark.parametrize("place", ["global", "attribute", "cycle", "module"])
def test_a_program_that_ends_says_nothing(place, method):
    counts, process, name = run_quietly(SCRIPTS / "quiet_exit.py", place, method).splitlines()
    assert counts == "6002 6002"
    # What Linux has for the SharedMemory, and for the heap of multiprocessing.
    assert not [*Path("/dev/shm").glob(f"{name}*"), *Path("/dev/shm").glob(f"pym-{process}-*")]
