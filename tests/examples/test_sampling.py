"""examples/sampling.py: exact, whatever threads call."""

import itertools
import os

import pytest

from helpers import Child, run_threads

THREADS = 8
CALLS = 10_000


def all_results(function):
    """What the function returns, called by all threads."""
    return list(itertools.chain(*run_threads(*[lambda: [function() for _ in range(CALLS)]] * THREADS)))


@pytest.mark.parametrize("n", [1, 3, 100])
def test_every_nth_call(example, n):
    sampled = all_results(example.EveryNth(n))
    assert sampled.count(True) == THREADS * CALLS // n


@pytest.mark.parametrize("n", [0, 1, 100, THREADS * CALLS + 1])
def test_first_n_calls(example, n):
    sampled = all_results(example.FirstN(n))
    assert sampled.count(True) == min(n, THREADS * CALLS)


def test_first_n_calls_are_the_first(example):
    first = example.FirstN(2)
    assert [first() for _ in range(4)] == [True, True, False, False]


def test_unique_ids(example):
    ids = all_results(example.next_id)
    assert sorted(ids) == list(range(1, THREADS * CALLS + 1))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_ids_are_unique_within_one_process_only(example):
    example.next_id()

    def take_the_second():
        assert example.next_id() == 2

    assert Child(take_the_second).wait() == 0
    take_the_second()


def test_the_program(run):
    assert run() == "100 of 10000 calls sampled\n3 of 10000 calls warned\n10000 different ids\n"
