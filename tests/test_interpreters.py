"""Each interpreter of a process can import the package, and has classes and counters of its own."""

import sys

import pytest

from helpers import GIL_BUILD, resident_in, run_script

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="3.12 is the first with isolated interpreters")


@pytest.mark.parametrize("options", [[], ["--main-first"], ["--legacy"]], ids=["isolated", "main first", "legacy"])
def test_counting_in_parallel(options):
    assert "all right" in run_script("interpreters.py", "--rounds", 10, *options)


@pytest.mark.growth
@pytest.mark.skipif(sys.version_info < (3, 14), reason="before 3.14 an interpreter that imports nothing leaks too")
@pytest.mark.skipif(not GIL_BUILD, reason="without the GIL CPython itself leaks 5,000 KiB an interpreter")
def test_closed_interpreters_leave_no_memory():
    """Sixty interpreters that use the package leave hardly more memory than sixty that do not.

    CPython itself leaks what the import system caches about a folder.  That is some 350 KiB for a checkout with
    compiled modules in it.
    """
    code = "import fastcounter, pickle; [pickle.dumps(getattr(fastcounter, name)) for name in fastcounter.__all__]"
    assert growth(code) - growth("import pickle") < 60 * 500  # our modules are more than 1,000


def growth(code):
    """By how many KiB sixty interpreters that run this code make the process grow."""
    taken = []
    for rounds in (20, 80):
        output = run_script("interpreters.py", "--rounds", rounds, "--interpreters", 1, "--code", code)
        taken += resident_in(output)
    if not taken:
        pytest.skip("nothing here measures memory")
    return taken[1] - taken[0]


@pytest.mark.skipif(sys.version_info < (3, 13), reason="in 3.12 they cannot import multiprocessing's heap")
def test_memory_that_a_counter_finds_for_itself():
    code = (
        "import fastcounter, pickle\n"
        "from multiprocessing.shared_memory import SharedMemory\n"
        "memory = SharedMemory(create=True, size=64)\n"
        "counters = [fastcounter.SharedCounter(), fastcounter.SharedCounter(memory)]\n"
        "pickle.loads(pickle.dumps(counters[1])).increment()\n"
        "assert [counter.increment_and_get() for counter in counters] == [1, 2]\n"
        "memory.unlink()"
    )
    assert "all right" in run_script("interpreters.py", "--rounds", 3, "--interpreters", 2, "--code", code)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="concurrent.interpreters is new in 3.14")
def test_interpreter_pools():
    from concurrent.futures import InterpreterPoolExecutor

    for _ in range(5):
        with InterpreterPoolExecutor(4) as pool:
            assert list(pool.map(count, range(1, 41))) == list(range(1, 41))


def count(number):
    from fastcounter import FastWriteCounter

    counter = FastWriteCounter()
    for _ in range(number):
        counter.increment()
    return counter.value()
