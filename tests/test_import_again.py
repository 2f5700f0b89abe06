"""Importing the package again after sys.modules has lost it."""

import sys

import pytest

from helpers import run_quietly, run_script

SCENARIO = """
import pickle, sys
from unittest import mock
from array import array

with mock.patch.dict(sys.modules):
    import fastcounter
    from fastcounter import compat
    before = [fastcounter.FastReadCounter(1), fastcounter.FastWriteCounter(2), compat.Counter()]
    shared = fastcounter.SharedCounter(array("q", [3]))
    pickles = [pickle.dumps(counter) for counter in before]
assert not [name for name in sys.modules if name.startswith("fastcounter")]

for _ in range(20):
    with mock.patch.dict(sys.modules):
        import fastcounter
        from fastcounter import compat
        assert type(before[0]) is fastcounter.FastReadCounter and type(before[2]) is compat.Counter
        assert sys.modules["fastcounter._counters"].__spec__.name == "fastcounter._counters"
        for counter, pickled in zip(before, pickles):
            class Subclass(type(counter)):
                pass
            for each in (counter, pickle.loads(pickled), pickle.loads(pickle.dumps(counter)), Subclass()):
                each.increment()
        shared.increment()
        fastcounter.SharedCounter(array("q", [3])).increment()
        for counter in (*before[:2], shared):
            try:
                counter.add("1")
            except TypeError:
                pass
            else:
                raise AssertionError("no TypeError")
assert [int(before[0]), int(before[1]), shared.value] == [21, 22, 23]

import fastcounter
with mock.patch.dict(sys.modules):
    import fastcounter.compat as first
import fastcounter.compat as second
assert first.Counter is second.Counter
import gc
gc.collect()
first.Counter().increment()
"""


def test_the_main_interpreter():
    run_quietly("-c", SCENARIO)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="_interpreters is new in 3.13")
def test_other_interpreters():
    code = f"""
import _interpreters, threading

def work():
    for _ in range(5):
        interpreter = _interpreters.create("isolated", reqrefs=False)
        failures.append(_interpreters.exec(interpreter, {SCENARIO!r}))
        _interpreters.destroy(interpreter)

failures = []
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert failures == [None] * 15, failures
"""
    run_quietly("-c", code)


# The interpreter loses the modules and frees them.  (If it had imported compat, that would keep them.)
LOST = """
import gc, sys
for _ in range(2):
    import fastcounter
    class Sub(fastcounter.FastReadCounter):
        pass
    Sub(1).add(2)
    del Sub, fastcounter
    for name in [name for name in sys.modules if name.startswith("fastcounter")]:
        del sys.modules[name]
    gc.collect()
"""

FAILED_MIDWAY = """
import gc, os, sys
fails = "fastcounter" not in sys.modules  # the main interpreter has it
cpu_count, os.cpu_count = os.cpu_count, lambda: 1 / 0
try:
    import fastcounter
except (ZeroDivisionError, SystemError):  # Cython 3.2 makes a SystemError of any error in a module
    fails = not fails
os.cpu_count = cpu_count
assert not fails
gc.collect()
import fastcounter
fastcounter.FastReadCounter(1).add(2)
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="3.12 is the first with isolated interpreters")
@pytest.mark.parametrize("code", [LOST, FAILED_MIDWAY], ids=["lost", "failed midway"])
def test_forty_interpreters_one_after_the_other(code):
    """From the 32nd on, generated code finds its modules in another way; see cython_workarounds.h."""
    run_script("interpreters.py", "--rounds", 40, "--interpreters", 1, "--main-first", "--code", code)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="_interpreters is new in 3.13")
def test_forty_interpreters_at_once():
    """They import the package, lose it and close in any order."""
    code = f"""
import _interpreters, fastcounter, random

def run(interpreter):
    failure = _interpreters.exec(interpreter, {LOST!r})
    assert failure is None, failure.formatted

order = random.Random(23)
interpreters = [_interpreters.create("isolated", reqrefs=False) for _ in range(40)]
order.shuffle(interpreters)
for interpreter in interpreters:
    run(interpreter)
order.shuffle(interpreters)
for interpreter in interpreters:
    run(interpreter)
    _interpreters.destroy(interpreter)
    fastcounter.FastReadCounter(1).add(2)
"""
    run_quietly("-c", code)


def test_no_other_extension_module_is_in_the_way():
    """All of them share the interpreter's dict, where the package keeps what it finds its modules by."""
    code = """
import ctypes

api = ctypes.pythonapi
api.PyInterpreterState_GetDict.argtypes = (ctypes.c_void_p,)
api.PyInterpreterState_Get.restype = ctypes.c_void_p
api.PyInterpreterState_GetDict.restype = ctypes.py_object
shared = api.PyInterpreterState_GetDict(api.PyInterpreterState_Get())
others = {name: object() for name in ("_counters", "_map", "_shared", "compat")}
shared.update(others)
before = set(shared)
import fastcounter.compat
assert all(shared[name] is other for name, other in others.items())
added = set(shared) - before
assert added and all(name.startswith("fastcounter.") for name in added), added
"""
    run_quietly("-c", code)
