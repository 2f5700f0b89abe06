"""A read counts every increment that happened before it, whichever way threads tell each other of it.

tests/schedules/ shows the same in every schedule of small programs.
"""

import queue
import threading

import pytest

from fastcounter import CounterMap
from helpers import EXACT, name_of, read_count, run_threads

pytestmark = [pytest.mark.threads, pytest.mark.stress]

ROUNDS = 3_000


class ByLock:
    """The sender changes a variable with the lock held, and the receiver sees that with the lock held."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = 0

    def send(self, count):
        with self.lock:
            self.sent = count

    def receive(self):
        with self.lock:
            return self.sent


class ByQueue:
    def __init__(self):
        self.queue = queue.SimpleQueue()
        self.send = self.queue.put
        self.receive = self.queue.get


class ByEvent:
    """An event for each count, in turn."""

    def __init__(self):
        self.events = [threading.Event() for _ in range(ROUNDS + 1)]
        self.received = 0

    def send(self, count):
        self.events[count].set()

    def receive(self):
        self.received += 1
        assert self.events[self.received].wait(60)
        return self.received


class LabelledCount:
    """One label of a CounterMap, as a counter."""

    def __init__(self):
        counts = CounterMap()
        self.increment = lambda: counts.increment("label")
        self.value = lambda: counts["label"]


COUNTERS = [*EXACT, LabelledCount]


@pytest.mark.parametrize("way", [ByLock, ByQueue, ByEvent])
@pytest.mark.parametrize("owner", ["sender", "receiver", "another"])
@pytest.mark.parametrize("cls", COUNTERS, ids=name_of)
def test_message(cls, owner, way):
    """Without the GIL a counter's owner adds to it in another way than other threads do."""
    made = threading.Event()
    counters = [cls()] if owner == "another" else []
    message = way()

    def make(as_owner):
        if owner == as_owner:
            counters.append(cls())
            made.set()
        elif owner != "another":
            assert made.wait(60)
        return counters[0]

    def send():
        counter = make("sender")
        for count in range(1, ROUNDS + 1):
            counter.increment()
            message.send(count)

    def receive():
        counter, before, sent = make("receiver"), 0, 0
        while sent < ROUNDS:
            sent = message.receive()
            seen = read_count(counter)
            assert before <= seen <= ROUNDS
            assert seen >= sent
            before = seen

    run_threads(send, receive)


@pytest.mark.parametrize("cls", COUNTERS, ids=name_of)
def test_end_of_a_thread(cls):
    counter = cls()
    for count in range(1, 501):
        thread = threading.Thread(target=counter.increment)
        thread.start()
        thread.join()
        assert read_count(counter) == count


@pytest.mark.parametrize("cls", COUNTERS, ids=name_of)
def test_own_increments(cls):
    counter = cls()

    def count():
        for own in range(1, ROUNDS + 1):
            counter.increment()
            assert read_count(counter) >= own

    run_threads(count, count)
