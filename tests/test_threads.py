"""Several threads that use one counter."""

import itertools
import time
from collections import deque
from functools import partial

import pytest

from fastcounter import FastWriteCounter, SingleThreadCounter
from helpers import EXACT, GIL_BUILD, name_of, read_count, run_threads

pytestmark = pytest.mark.threads

THREADS = 8
STEPS = 20_000
RETURNING = [exact for exact in EXACT if exact is not FastWriteCounter]


def times(count, function, *args):
    def work():
        for _ in range(count):
            function(*args)

    return work


def read_until(counter, total):
    """Return a function that reads until the count is `total`, and checks that the counts never decrease.

    It gives up if the count stays the same for a minute: then counts were lost.
    """

    def work():
        before, end = read_count(counter), time.monotonic() + 60
        while before < total and time.monotonic() < end:
            value = read_count(counter)
            assert value >= before
            if value > before:
                before, end = value, time.monotonic() + 60

    return work


def test_no_increment_is_lost(exact_counter_class):
    counter = exact_counter_class(2**30 - THREADS * STEPS // 2)  # the count then grows by a digit
    run_threads(*[times(STEPS, counter.increment)] * THREADS)
    assert read_count(counter) == 2**30 + THREADS * STEPS // 2


def test_no_addition_is_lost(exact_counter_class):
    counter = exact_counter_class()
    amounts = [1, -1, 3, 2**30, -(2**31), 2**63, -(2**64), 2**90]
    run_threads(*[times(STEPS, counter.add, amount) for amount in amounts])
    assert read_count(counter) == STEPS * sum(amounts)


@pytest.mark.stress
@pytest.mark.skipif(GIL_BUILD, reason="there are no parts")
def test_parts_that_outgrow_64_bits(exact_counter_class):
    """A thread moves its part of the count to a Python int before the part overflows 64 bits."""
    amount, additions = 2**32 - 1, 2**23 + 2**20

    def add(counter):
        deque(map(counter.add, itertools.repeat(amount, additions)), maxlen=0)  # the fastest loop

    alone, shared = exact_counter_class(), exact_counter_class()
    add(alone)
    assert read_count(alone) == additions * amount
    run_threads(*[partial(add, shared)] * 2, read_until(shared, 2 * additions * amount))
    assert read_count(shared) == 2 * additions * amount


def test_in_place_operators_lose_nothing(exact_counter_class):
    shared = exact_counter_class()

    def up():
        counter = shared
        for _ in range(STEPS):
            counter += 3

    def down():
        counter = shared
        for _ in range(STEPS):
            counter -= 1

    run_threads(*[up, down] * 3)
    assert read_count(shared) == 3 * 2 * STEPS


def test_resets_count_everything_once(exact_counter_class):
    counter = exact_counter_class()

    def reset():
        return sum(counter.reset() for _ in range(STEPS))

    results = run_threads(reset, reset, *[times(STEPS, counter.increment)] * 4)
    assert sum(results[:2]) + read_count(counter) == 4 * STEPS


def test_mixed_calls(exact_counter_class):
    counter = exact_counter_class(2**62)
    values = []

    def read_some():
        for _ in range(STEPS // 10):
            value = read_count(counter)
            values.append((value, str(value)))

    def reset():
        return sum(counter.reset() for _ in range(100))

    results = run_threads(
        times(STEPS, counter.increment),
        times(STEPS, counter.add, 7),
        times(STEPS, counter.add, -7),
        times(STEPS, counter.add, 2**70),
        read_some,
        read_some,
        reset,
    )
    assert results[-1] + read_count(counter) == 2**62 + STEPS * (1 + 2**70)
    assert all(str(value) == text for value, text in values)


def test_reads_never_go_back_while_only_incremented(exact_counter_class):
    counter = exact_counter_class(2**30 - STEPS)

    read_on = read_until(counter, 2**30 + STEPS)
    run_threads(read_on, read_on, *[times(STEPS // 2, counter.increment)] * 4)
    assert read_count(counter) == 2**30 + STEPS


@pytest.mark.parametrize("returning_class", RETURNING, ids=name_of)
def test_every_new_count_is_returned_once(returning_class):
    counter = returning_class()

    def take():
        return [counter.increment_and_get() for _ in range(STEPS)]

    results = run_threads(*[take] * 4)
    assert all(result == sorted(result) for result in results)
    assert sorted(itertools.chain(*results)) == list(range(1, 4 * STEPS + 1))


@pytest.mark.parametrize("returning_class", RETURNING, ids=name_of)
def test_assigning_and_adding(returning_class):
    """An assignment is one atomic step: each increment comes before it or after it."""
    counter = returning_class()

    def assign():
        for step in range(STEPS):
            counter.value = step * 2**40

    run_threads(assign, times(STEPS, counter.increment), times(STEPS, counter.increment))
    assert 0 <= counter.value - (STEPS - 1) * 2**40 <= 2 * STEPS


def test_counters_shared_while_dropped(exact_counter_class):
    """A thread may drop the last reference to a counter while another thread is using it."""
    counters = [exact_counter_class(2**40 + number) for number in range(STEPS)]

    def drop():
        while counters:
            try:
                counters.pop().increment()
            except IndexError:
                return

    run_threads(*[drop] * THREADS)
    assert counters == []


@pytest.mark.skipif(GIL_BUILD, reason="with the GIL a SingleThreadCounter is exact")
def test_a_single_thread_counter_is_safe_to_share():
    """It may lose counts, but never gains any, and keeps working."""
    counter = SingleThreadCounter()
    run_threads(*[times(STEPS, counter.increment)] * 4)
    assert STEPS // 2 < counter.value <= 4 * STEPS
    run_threads(*[times(STEPS, counter.add, 2**62), times(STEPS, counter.add, -(2**62)), counter.reset])
    counter.value = 5
    counter.increment()
    assert counter.value == 6
