"""Copying and pickling: a copy has the count and the attributes that a subclass has added."""

import concurrent.futures
import copy
import multiprocessing
import pickle
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import fastcounter
from fastcounter import FastReadCounter, FastWriteCounter, SingleThreadCounter, compat
from helpers import COMPAT, COMPILED, name_of, read_count, run_quietly

pytestmark = pytest.mark.reentrant


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
    """Then the compiled modules can be renamed without breaking pickles."""
    assert b"fastcounter\n" + counter_class.__name__.encode() + b"\n" in pickle.dumps(counter_class, 0)


def test_a_pickle_is_read_by_a_fresh_interpreter(counter_class, tmp_path):
    (tmp_path / "pickle").write_bytes(pickle.dumps(counter_class(2**70)))
    code = "import pathlib, pickle, sys; print(pickle.loads(pathlib.Path(sys.argv[1]).read_bytes()))"
    assert run_quietly("-c", code, tmp_path / "pickle") == f"{counter_class.__name__}({2**70})\n"


@pytest.mark.hangs_under_wine
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


@pytest.mark.parametrize("not_a_class", [object, int, dict, type(None), None, 5, FastReadCounter(5)])
def test_only_classes_of_counters_are_restored(counter_class, not_a_class):
    for restore, *args in ((fastcounter._restore,), (fastcounter._restore_with, (), {})):
        with pytest.raises(TypeError, match="only a class of counters can be restored"):
            restore(not_a_class, *args, 1)


@pytest.mark.parametrize("result", [None, 5, FastReadCounter, FastReadCounter(5), compat.Counter(5)], ids=repr)
def test_new_that_returns_something_else(counter_class, result):
    class Elsewhere(counter_class):
        def __new__(cls):
            return result

    with pytest.raises(TypeError, match="must return an instance of its class"):
        fastcounter._restore(Elsewhere, 1)
    assert int(FastReadCounter(5)) == 5


@pytest.mark.parametrize("restored_class", COMPILED + COMPAT)
def test_extra_and_missing_values(restored_class):
    _restore, (_cls, *values), _state = restored_class().__reduce__()
    for wrong in ([], [*values, 1], [*values, 1, 1]):
        with pytest.raises(TypeError, match=r"cannot be restored from \d values, only from [12]"):
            fastcounter._restore(restored_class, *wrong)
    for args in [(), (None,), (restored_class, 5, {}, 1), (restored_class, (), 5, 1)]:
        with pytest.raises(TypeError):
            fastcounter._restore_with(*args)


class WithArguments(FastReadCounter):
    """Its __new__ takes an argument.  Restoring does not call __init__."""

    def __new__(cls, name):
        self = super().__new__(cls)
        self.name = name
        return self

    def __init__(self, name):
        super().__init__(2**40)

    def __getnewargs__(self):
        return (self.name,)


class WithKeywords(FastWriteCounter):
    def __new__(cls, *, name):
        self = super().__new__(cls)
        self.name = name
        return self

    def __init__(self, *, name):
        super().__init__(2**40)

    def __getnewargs__(self):
        raise AssertionError("__getnewargs_ex__ comes first")

    def __getnewargs_ex__(self):
        return (), {"name": self.name}


@each_way
@pytest.mark.parametrize("make", [lambda: WithArguments("requests"), lambda: WithKeywords(name="requests")])
def test_arguments_of_new(way, make):
    counter = make()
    counter.increment()
    duplicate = way(counter)
    assert (type(duplicate), duplicate.name, int(duplicate)) == (type(counter), "requests", 2**40 + 1)


@pytest.mark.parametrize("bad", [5, [], None, ((), [])])
def test_bad_arguments_of_new(bad):
    class Bad(SingleThreadCounter):
        def __getnewargs_ex__(self):
            return bad

    with pytest.raises((TypeError, ValueError)):
        copy.copy(Bad())


# ---- The format of pickles, which later versions have to load ----

GOLDEN = Path(__file__).parent / "pickles"
ATTRIBUTES = Path(__file__).parents[1] / ".gitattributes"
COUNT = 2**70 + 5


def golden_counter(pickled_class):
    return pickled_class(COUNT, 3) if pickled_class in COMPAT else pickled_class(COUNT)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("pickled_class", COMPILED + COMPAT, ids=name_of)
def test_golden_pickles(pickled_class, protocol):
    path = GOLDEN / f"{name_of(pickled_class)}.{protocol}.pickle"
    counter = pickle.loads(path.read_bytes())
    assert (type(counter), int(counter)) == (pickled_class, COUNT)
    counter.increment()
    assert int(counter) == COUNT + (3 if pickled_class in COMPAT else 1)
    # This version still writes the same bytes.
    assert pickle.dumps(golden_counter(pickled_class), protocol) == path.read_bytes()


@pytest.mark.parametrize("pickled_class", COMPILED + COMPAT, ids=name_of)
def test_pickles_of_2_0_0(pickled_class):
    """They name the compiled module, so it has to keep its name."""
    counter = pickle.loads((GOLDEN / f"{name_of(pickled_class)}.2.0.0.pickle").read_bytes())
    counter.increment()
    assert (type(counter), int(counter)) == (pickled_class, COUNT + (3 if pickled_class in COMPAT else 1))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("pickled_class", COMPILED + COMPAT, ids=name_of)
def test_pickles_name_public_modules_only(pickled_class, protocol):
    pickled = pickle.dumps(golden_counter(pickled_class), protocol)
    modules = set(re.findall(rb"fastcounter[.\w]*", pickled))
    assert modules == {b"fastcounter", pickled_class.__module__.encode()}


@pytest.mark.skipif(not ATTRIBUTES.exists() or shutil.which("git") is None, reason="needs a checkout and git")
def test_git_for_windows_leaves_golden_pickles_as_they_are(tmp_path):
    shutil.copy(ATTRIBUTES, tmp_path)
    shutil.copytree(GOLDEN, tmp_path / "pickles")
    git = ["git", "-C", str(tmp_path), "-c", "core.autocrlf=true"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True, capture_output=True)
    shutil.rmtree(tmp_path / "pickles")
    subprocess.run([*git, "checkout", "-q", "."], check=True)
    golden = {path.name: path.read_bytes() for path in GOLDEN.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "pickles").iterdir()} == golden


def test_truncated_pickles(counter_class):
    pickled = pickle.dumps(counter_class(2**40))
    for length in range(len(pickled)):
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, AttributeError)):
            pickle.loads(pickled[:length])
