"""Send counts to StatsD or a Datadog agent, each count at most once: `python examples/statsd_flush.py`."""

import atexit
import logging
import os
import threading

from statsd import StatsClient

from fastcounter import CounterMap


class Flusher:
    def __init__(self, client: StatsClient, counts: CounterMap[str], seconds: float = 10) -> None:
        self.client, self.counts, self.seconds = client, counts, seconds
        self.start()
        atexit.register(self.stop)
        if hasattr(os, "fork"):
            os.register_at_fork(after_in_child=self.start_in_child)

    def start(self) -> None:
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self.stopping.wait(self.seconds)
            for name, count in self.counts.reset().items():  # to read counts and set them to 0 later would lose some
                try:
                    self.client.incr(name, count)  # a UDP packet that is lost raises nothing
                except Exception:  # such as that of a TCP client.  Do not send it again: it may have arrived.
                    logging.exception("%r: %d counts may be lost", name, count)

    def stop(self) -> None:  # call this in a child of multiprocessing, which runs no atexit functions of its parent
        # Let run() flush once more and end.  If the exit stopped it, it could lose counts between reset() and incr().
        self.stopping.set()
        self.thread.join()

    def start_in_child(self) -> None:  # it has no flusher thread, and a copy of counts that its parent will send
        self.counts.reset()
        self.start()


if __name__ == "__main__":
    counts: CounterMap[str] = CounterMap()
    Flusher(StatsClient(port=int(os.environ.get("STATSD_PORT", "8125"))), counts, seconds=0.1)
    counts.add("requests", 1_000_000)
