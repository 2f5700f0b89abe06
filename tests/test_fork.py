"""Signal handlers and forked children never wait for a lock that nobody will release."""

import os
import subprocess

import pytest

from helpers import Child, name_of, read_count, run_script

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and POSIX signals"),
]


def test_signal_handlers_never_hang(counter_class):
    run_script("signals.py", "--classes", name_of(counter_class))


@pytest.mark.long
def test_the_original_hangs_in_a_signal_handler():
    """This shows that the test above can fail: the original's lock is taken in the same scenario."""
    with pytest.raises(subprocess.TimeoutExpired):
        run_script("signals.py", "--classes", "pure.FastWriteCounter", timeout=3)


@pytest.mark.parametrize("size", ["small", "large"])
def test_children_never_hang(counter_class, size):
    """`nox -s forks` makes thousands."""
    run_script("forks.py", "--classes", name_of(counter_class), "--sizes", size, "--forks", 100)


@pytest.mark.long
def test_children_of_the_original_hang():
    """This shows that the test above can fail: the original's lock is taken in the same scenario."""
    with pytest.raises(AssertionError, match=" forks, 1 hung"):
        run_script("forks.py", "--classes", "pure.FastWriteCounter", "--sizes", "small", "--first", "--patience", 2)


def test_a_child_counts_on_from_its_own_copy(counter_class):
    counter = counter_class(2**40)

    def count_on():
        counter.increment()
        assert repr(counter) == f"{counter_class.__name__}({2**40 + 1})"

    assert Child(count_on).wait() == 0
    counter.add(5)
    assert read_count(counter) == 2**40 + 5
