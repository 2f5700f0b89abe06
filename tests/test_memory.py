"""Memory: what a counter takes, and that it gives everything back."""

import tracemalloc

from helpers import GIL_BUILD, name_of, run_script


def test_nothing_is_left_over(counter_class):
    """In another process, without threads: free-threaded 3.13 never frees a class once it has had some."""
    run_script("memory.py", "--classes", name_of(counter_class))


def test_size(counter_class):
    """Bytes a counter, all it owns included; without the GIL it has a cell of its own."""
    counters = [None] * 1000
    tracemalloc.start()
    for index in range(1000):
        counters[index] = counter_class()
        counters[index].add(2**40)
    size = tracemalloc.get_traced_memory()[0] // 1000  # a bit more: the loop has an int too
    tracemalloc.stop()
    assert size <= (80 if GIL_BUILD else 144)
