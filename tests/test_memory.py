"""Memory: what a counter takes, and that it gives everything back."""

import gc
import subprocess
import sys
import sysconfig
import tracemalloc

import pytest

import fastcounter

GIL_BUILD = not sysconfig.get_config_var("Py_GIL_DISABLED")


def growth(scenario, times=2_000):
    """How many blocks of memory are left over from so many runs of the scenario."""
    run(scenario, 10)
    before = sys.getallocatedblocks()
    run(scenario, times)
    return sys.getallocatedblocks() - before


def run(scenario, times):
    for _ in range(times):
        scenario()
    for _ in range(3):  # free-threaded builds free classes step by step
        gc.collect()


def make(cls):
    cls()


def make_large(cls):
    cls(2**200)


def change_in_place(cls):
    counter = cls(2**40)
    for _ in range(10):
        counter.increment()
        counter.add(5)
        counter.add(-3)


def change_while_read(cls):
    counter = cls(2**40)
    values = []
    for _ in range(10):
        counter.increment()
        values.append(int(counter))


def set_again(cls):
    counter = cls(2**40)
    counter.__init__(2**70)
    counter.reset()
    counter.add(2**70)


def fail(cls):
    counter = cls(2**40)
    for call in (counter.add, counter.__iadd__, counter.__init__, cls):
        with pytest.raises(TypeError):
            call("1")


def subclass(cls):
    class Sub(cls):
        pass

    counter = Sub()
    counter.name = counter  # a reference cycle, which only the garbage collector frees
    counter.increment()


@pytest.mark.parametrize("scenario", [make, make_large, change_in_place, change_while_read, set_again])
def test_nothing_is_left_over(cls, scenario):
    assert growth(lambda: scenario(cls)) < 50


def test_errors_leave_nothing(cls):
    assert growth(lambda: fail(cls), times=200) < 50


def test_subclasses_leave_nothing(cls):
    """In an interpreter without threads: free-threaded 3.13 never frees a class once it has had some."""
    result = subprocess.run([sys.executable, __file__, "subclass", cls.__name__], capture_output=True, text=True)
    assert result.stdout, result.stderr
    assert int(result.stdout) < 50


def test_attribute_and_steps_leave_nothing(attribute_cls):
    def scenario():
        counter = attribute_cls(2**40)
        counter.value = 2**50
        counter.value += 1
        counter.increment_and_get()
        counter.add_and_get(2**70)

    assert growth(scenario) < 50


def test_size(cls):
    """Bytes a counter, all it owns included; without the GIL it has a cell of its own."""
    counters = [None] * 1000
    tracemalloc.start()
    for index in range(1000):
        counters[index] = cls()
        counters[index].add(2**40)
    size = tracemalloc.get_traced_memory()[0] / 1000
    tracemalloc.stop()
    assert size <= (80 if GIL_BUILD else 144)


if __name__ == "__main__":  # one scenario in a process of its own, as the leak sanitizer wants it
    scenario, counter_class = globals()[sys.argv[1]], getattr(fastcounter, sys.argv[2])
    print(growth(lambda: scenario(counter_class), times=200))
