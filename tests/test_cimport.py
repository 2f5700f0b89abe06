"""`from fastcounter cimport ...` in a user's module, built against the installed package."""

import contextlib
import functools
import gc
import re
import sys
import weakref
from pathlib import Path

import pytest

import fastcounter
from fastcounter import (
    CounterMap,
    FastReadCounter,
    FastWriteCounter,
    SharedCounter,
    SharedCounterMap,
    SingleThreadCounter,
)
from helpers import GIL_BUILD, build, instance_of, run_threads

pytestmark = pytest.mark.compiler

EXTENDED = ["Extended", "ExtendedMap", "Labelled", "Placed", "PlacedMap"]
EXAMPLE = Path(__file__).parent / "cimport_example" / "counting.pyx"
C_CALLS = {  # as 2.3.0 has them
    "_counters": [
        *("c_increment", "c_add", "c_value", "c_exchange", "c_reset", "make_atomic", "make_striped", "assign_value"),
        *("get_state", "set_state", "c_increment_and_get", "c_add_and_get"),
    ],
    "_map": ["c_increment", "c_add", "c_value", "labels", "counts", "add_counts"],
    "_shared": ["c_increment", "c_add", "c_increment_and_get", "c_add_and_get", "c_value", "c_reset"],
}
SETUP = """
from Cython.Build import cythonize
from setuptools import setup

setup(name="counting", ext_modules=cythonize("counting.pyx"), script_args=["-q", "build_ext", "--inplace"])
"""


@pytest.fixture(scope="module")
def counting(tmp_path_factory):
    return build(EXAMPLE, tmp_path_factory.mktemp("cimport"), "-c", SETUP)


def test_increments_from_c(counting):
    counter = FastWriteCounter(2**30 - 500)
    counting.increment_many(counter, 1000)
    assert counter.value() == 2**30 + 500


def test_every_call(counting):
    counts = counting.every_call(SingleThreadCounter(10))
    assert counts == (2**70 + 12, 2**70 + 17, 2**70 + 17, 2**70 + 17, 0)


def test_errors(counting):
    counter = FastReadCounter(5)
    with pytest.raises(TypeError, match="amount must be an integer, not str"):
        counting.add(counter, "1")
    with pytest.raises(TypeError, match="FastReadCounter"):
        counting.add(FastWriteCounter(), 1)
    assert counter.value == 5


def test_classes_are_those_of_python(counting):
    assert type(counting.make(7)) is FastReadCounter
    assert counting.make(7).value == 7


def test_subclasses_are_accepted(counting):
    class Sub(SingleThreadCounter):
        pass

    assert counting.every_call(Sub(10))[0] == 2**70 + 12


def use(counter):
    if isinstance(counter, CounterMap | SharedCounterMap):
        counter.increment("a" if isinstance(counter, SharedCounterMap) else type(counter))
        assert counter.total() == 1
    else:
        counter.increment()
        assert int(counter) == 1


@pytest.mark.parametrize("name", EXTENDED)
def test_cython_classes_that_extend_a_counter(counting, name):
    """Instances come and go.  Each dropped its type's reference, which only instances of heap types have."""
    cython_class = getattr(counting, name)
    python_class = type("Subclass", (cython_class,), {})

    def references(made, times):
        for _ in range(times):
            counter = instance_of(made)
            use(counter)
        del counter
        gc.collect()
        return sys.getrefcount(made)

    for made in (cython_class, python_class):
        assert references(made, 1) == references(made, 3)


@pytest.mark.skipif(not GIL_BUILD and sys.version_info < (3, 14), reason="3.13 never frees a class once it has threads")
@pytest.mark.parametrize("name", EXTENDED)
def test_python_classes_that_extend_a_cython_class_are_freed(counting, name):
    """Once they are unused; the collector must see each reference to such a class once."""
    made = type("Subclass", (getattr(counting, name),), {})
    counter = instance_of(made)
    counter.itself = counter
    run_threads(functools.partial(use, counter))
    freed = weakref.ref(made)
    del counter
    gc.collect()
    assert freed() is made
    del made
    gc.collect()
    assert freed() is None


def test_counts_by_label_from_c(counting):
    counts = CounterMap({"a": 2**70})
    assert counting.count_labels(counts, ["a", "b", "b"]) == [2**70 + 3, 6, 6]
    for labels, error in (([[]], TypeError), (["c"], None)):
        with pytest.raises(error) if error else contextlib.nullcontext():
            counting.count_labels(counts, labels)
    assert counts == {"a": 2**70 + 3, "b": 6, "c": 3}


def test_shared_counts_by_label_from_c(counting):
    counts = SharedCounterMap(bytearray(64 * 4))
    counts.add("a", 2**63 - 10)
    assert counting.count_shared_labels(counts, ["a", "b", "b"]) == [2**63 - 7, 6, 6]
    counts.add("a", 6)
    for label, error in ((1.5, TypeError), ([], TypeError), ("a", OverflowError), ("a longer label " * 9, ValueError)):
        with pytest.raises(error):
            counting.count_shared_labels(counts, [label])
    with pytest.raises(RuntimeError, match="has not been called"):
        counting.count_shared_labels(SharedCounterMap.__new__(SharedCounterMap), ["a"])
    assert counts == {"a": 2**63 - 1, "b": 6}


def test_none_is_refused(counting):
    for call in (
        lambda: counting.increment_many(None, 1),
        lambda: counting.every_call(None),
        lambda: counting.add(None, 1),
        lambda: counting.every_shared_call(None),
        lambda: counting.count_shared_labels(None, []),
    ):
        with pytest.raises(TypeError, match="None"):
            call()


@pytest.mark.parametrize("name", C_CALLS)
def test_the_table_of_c_calls_stays(name):
    """Its order is compiled into a user's module, with its length if a class there extends ours."""
    text = (Path(fastcounter.__file__).parent / f"{name}.pxd").read_text(encoding="utf-8")
    assert re.findall(r"^    cdef [\w ]+?[ *](\w+)\(self", text, re.MULTILINE) == C_CALLS[name]


@pytest.mark.untraceable
@pytest.mark.threads
def test_shared_counters_without_the_gil(counting):
    memory = bytearray(16)

    def count():
        counting.increment_without_gil(SharedCounter(memory, 8), 200_000)

    run_threads(*[count] * 4)
    assert SharedCounter(memory, 8).value == 4 * 200_000 * 3


@pytest.mark.untraceable
def test_every_shared_call_without_the_gil(counting):
    assert counting.every_shared_call(SharedCounter(bytearray(8))) == (7, -3, -3, -3, 0)


@pytest.mark.untraceable
def test_errors_of_shared_counters_without_the_gil(counting):
    counter = SharedCounter(bytearray(8))
    counter.value = 2**63 - 2
    counting.add_without_gil(counter, 1)
    for call in (counting.add_without_gil, counting.add_and_get_without_gil):
        with pytest.raises(OverflowError, match=r"9223372036854775807 \+ 1 is not a signed 64-bit integer"):
            call(counter, 1)
        with pytest.raises(RuntimeError, match="has not been called"):
            call(SharedCounter.__new__(SharedCounter), 1)
    assert counter.value == 2**63 - 1
    counter.value = 0
    assert counting.add_and_get_without_gil(counter, -1) == -1


@pytest.mark.untraceable
@pytest.mark.threads
def test_errors_without_the_gil_while_another_thread_has_it(counting):
    done = []

    def run_python():
        while not done:
            sum(range(100))

    def fail():
        try:
            for _ in range(20):
                counter = SharedCounter(bytearray(8))
                counter.value = 2**63 - 3_000_000
                with pytest.raises(OverflowError):
                    counting.increment_without_gil(counter, 2_000_000)
        finally:
            done.append(True)

    run_threads(fail, run_python)
