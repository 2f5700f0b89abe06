"""Copies and pickles: by value, with what a subclass has added."""

import concurrent.futures
import copy
import multiprocessing
import pickle

import pytest

from fastcounter import FastReadCounter, FastWriteCounter, SingleThreadCounter
from helpers import read_count, run_python


class Named(FastReadCounter):
    def __init__(self, name, *, initial=0):
        super().__init__(initial)
        self.name = name


class Slotted(FastWriteCounter):
    __slots__ = ("name", "unset")


class Both(SingleThreadCounter):
    __slots__ = ("__dict__", "name")


class WithState(SingleThreadCounter):
    def __getstate__(self):
        return {"name": self.name, "pickled": True}

    def __setstate__(self, state):
        self.__dict__.update(state)


def through_pickle(protocol):
    return lambda counter: pickle.loads(pickle.dumps(counter, protocol))


WAYS = [copy.copy, copy.deepcopy, *map(through_pickle, range(pickle.HIGHEST_PROTOCOL + 1))]
WAY_NAMES = ["copy", "deepcopy", *(f"pickle{protocol}" for protocol in range(pickle.HIGHEST_PROTOCOL + 1))]

each_way = pytest.mark.parametrize("way", WAYS, ids=WAY_NAMES)


@each_way
@pytest.mark.parametrize("count", [0, 5, -5, 2**40, -(2**90)])
def test_by_value(counter_class, way, count):
    counter = counter_class(count)
    duplicate = way(counter)
    assert type(duplicate) is counter_class
    assert duplicate is not counter
    counter.increment()
    duplicate.add(10)
    assert (read_count(counter), read_count(duplicate)) == (count + 1, count + 10)


@each_way
def test_own_attributes(way):
    for counter in (Named("requests"), Slotted(), Both()):
        counter.add(2**40)
        counter.name = ["requests"]
        duplicate = way(counter)
        assert type(duplicate) is type(counter)
        assert read_count(duplicate) == 2**40
        assert duplicate.name == ["requests"]
        assert not hasattr(duplicate, "unset")
        assert (duplicate.name is counter.name) == (way is copy.copy)


@each_way
def test_own_state_methods(way):
    counter = WithState(7)
    counter.name = "requests"
    duplicate = way(counter)
    assert (duplicate.value, duplicate.name, duplicate.pickled) == (7, "requests", True)


def test_pickles_name_the_package(counter_class):
    """So that a pickle outlives what the compiled module is called."""
    assert b"fastcounter\n" + counter_class.__name__.encode() + b"\n" in pickle.dumps(counter_class, 0)


def test_a_pickle_is_read_by_a_fresh_interpreter(counter_class, tmp_path):
    (tmp_path / "pickle").write_bytes(pickle.dumps(counter_class(2**70)))
    result = run_python("-c", "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')))", tmp_path / "pickle")
    assert result.stdout == f"{counter_class.__name__}({2**70})\n", result.stderr


def test_across_processes(counter_class):
    counter = counter_class(2**40)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        duplicate = pool.submit(copy.copy, counter).result(timeout=60)
    assert type(duplicate) is counter_class
    assert read_count(duplicate) == 2**40


@pytest.mark.parametrize("count", [1.5, None, "1"])
def test_hostile_count(counter_class, count):
    restore, _args, _state = counter_class().__reduce__()
    with pytest.raises(TypeError, match="count must be an integer"):
        restore(counter_class, count)


@pytest.mark.parametrize("not_a_counter", [object, int, dict])
def test_hostile_class(counter_class, not_a_counter):
    restore, _args, _state = counter_class().__reduce__()
    with pytest.raises(TypeError):
        restore(not_a_counter, 1)


def test_truncated_pickles(counter_class):
    pickled = pickle.dumps(counter_class(2**40))
    for length in range(len(pickled)):
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, AttributeError)):
            pickle.loads(pickled[:length])
