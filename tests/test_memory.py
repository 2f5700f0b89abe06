"""Memory: the size of a counter, and leaks."""

import tracemalloc

import pytest

from helpers import GIL_BUILD, name_of, run_script

pytestmark = pytest.mark.leaks


def test_nothing_leaks(counter_class):
    """This runs in a process without threads: once free-threaded 3.13 has had threads, it never frees a class."""
    run_script("memory.py", "--classes", name_of(counter_class))


def test_size(counter_class):
    """Bytes a counter, with all that it owns.  Without the GIL it has a separate cell."""
    counters = [None] * 1000
    tracemalloc.start()
    for index in range(1000):
        counters[index] = counter_class()
        counters[index].add(2**40)
    size = tracemalloc.get_traced_memory()[0] // 1000  # slightly too much: the loop has an int too
    tracemalloc.stop()
    assert size <= (80 if GIL_BUILD else 144)
