"""examples/statsd_flush.py: what arrives at a UDP socket is what was counted, at most once."""

import os
import socket
import threading

import pytest

from fastcounter import CounterMap
from helpers import run_script, run_threads


class Receiver:
    """A StatsD server on the loopback interface that adds up what it is sent."""

    def __init__(self, port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.packets = []
        self.thread = threading.Thread(target=self.receive)
        self.thread.start()

    def receive(self):
        while (packet := self.socket.recv(1024)) != b"end":
            self.packets.append(packet.decode())

    def stop(self):
        """Take in what has been sent until now, and no more."""
        if self.thread.is_alive():
            self.socket.sendto(b"end", self.socket.getsockname())
            self.thread.join()
        self.socket.close()

    def counts(self):
        self.stop()
        counts = {}
        for packet in self.packets:
            name, _, count = packet.removesuffix("|c").partition(":")
            assert packet == f"{name}:{count}|c"
            counts[name] = counts.get(name, 0) + int(count)
        return counts


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.stop()


def test_every_count_is_sent_once(example, receiver, eventually):
    import statsd

    counts = CounterMap({"unused": 0})
    client = statsd.StatsClient("127.0.0.1", receiver.port)
    flusher = example.Flusher(client, counts, seconds=0.001)

    def count():
        for _ in range(100_000):
            counts.increment("requests")
            counts.add("errors", 2)

    run_threads(*[count] * 4)
    eventually(lambda: len(receiver.packets) > 0)
    run_threads(*[count] * 4)
    flusher.stop()
    client.close()
    assert receiver.counts() == {"requests": 800_000, "errors": 1_600_000}
    assert len(receiver.packets) > 2


def test_counts_of_lost_packets_are_not_sent_again(example):
    import statsd

    lost = Receiver()
    lost.stop()  # from now on, nobody takes in what is sent to its port
    counts = CounterMap({"requests": 1000})
    client = statsd.StatsClient("127.0.0.1", lost.port)
    example.Flusher(client, counts).stop()
    assert counts.total() == 0
    receiver = Receiver(lost.port)
    counts.increment("requests")
    example.Flusher(client, counts).stop()
    client.close()
    assert receiver.counts() == {"requests": 1}


def test_what_cannot_be_sent_stops_nothing_else(example, receiver, caplog, eventually):
    import statsd

    counts = CounterMap({"first": 1, "caf\N{LATIN SMALL LETTER E WITH ACUTE}": 2, "last": 3})  # names are sent as ASCII
    client = statsd.StatsClient("127.0.0.1", receiver.port)
    flusher = example.Flusher(client, counts, seconds=0.001)
    eventually(lambda: len(caplog.messages) == 1)
    assert caplog.messages == ["'caf\N{LATIN SMALL LETTER E WITH ACUTE}': 2 counts may be lost"]
    counts.add("last", 4)
    flusher.stop()
    client.close()
    assert receiver.counts() == {"first": 1, "last": 7}


def test_the_program_flushes_at_its_exit(example, run, receiver):
    run(STATSD_PORT=str(receiver.port))
    assert receiver.counts() == {"requests": 1_000_000}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_sends_only_its_own(example, path, receiver):
    run_script("flush_in_children.py", path, receiver.port)
    assert receiver.counts() == {"requests": 2 * 20 * 10_000}
