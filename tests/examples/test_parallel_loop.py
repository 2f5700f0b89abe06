"""examples/parallel_loop.pyx: exact, and readable while the loop runs, with its time beside that of a lock."""

import re
import threading
from array import array

import pytest

from fastcounter import SharedCounter
from helpers import build

pytestmark = pytest.mark.compiler


@pytest.fixture(scope="module")
def parallel_loop(path, tmp_path_factory, missing):
    """The example, built as its first lines say."""
    try:
        return build(path, tmp_path_factory.mktemp("parallel_loop"), "-m", "Cython.Build.Cythonize", "-i", path.name)
    except ImportError as error:
        missing(f"OpenMP, or a compiler:\n{error}")


def test_every_step_is_counted(parallel_loop):
    multiples = SharedCounter(bytearray(8))
    parallel_loop.count_with_counter(multiples, 3_000_000)
    assert multiples.value == 1_000_000


def test_the_count_can_be_read_meanwhile(parallel_loop):
    multiples = SharedCounter(bytearray(8))
    seen = []

    def count():
        while not any(count % 10_000_000 > 0 for count in seen):  # a busy machine may run us only between two loops
            parallel_loop.count_with_counter(multiples, 30_000_000)
            loops.append(1)

    loops = []
    thread = threading.Thread(target=count)
    thread.start()
    while thread.is_alive():
        seen.append(multiples.value)
    assert multiples.value == 10_000_000 * len(loops)
    assert seen == sorted(seen)


def test_the_lock_counts_the_same(parallel_loop):
    multiples = array("q", [0])
    parallel_loop.count_with_lock(multiples, 300_000)
    assert multiples[0] == 100_000


def test_the_program(parallel_loop, capsys):
    parallel_loop.main()
    counter, lock = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"count_with_counter: 1000000 in \d+\.\d{3} s", counter)
    assert re.fullmatch(r"count_with_lock: 1000000 in \d+\.\d{3} s", lock)
