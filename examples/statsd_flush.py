"""Send counts to StatsD or a Datadog agent, each count exactly once: `python examples/statsd_flush.py`."""

import atexit
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
            # reset() takes each count in one atomic step.  Reading it and setting it to 0 later would lose counts.
            for name, count in self.counts.reset().items():
                self.client.incr(name, count)

    def stop(self) -> None:  # call this in a child of multiprocessing, which runs no atexit functions of its parent
        # Let run() flush once more and end.  If the exit stopped it, it could lose counts between reset() and incr().
        self.stopping.set()
        self.thread.join()

    def start_in_child(self) -> None:
        # A forked child has no flusher thread.  It has a copy of counts that its parent will send.
        self.counts.reset()
        self.start()


if __name__ == "__main__":
    counts: CounterMap[str] = CounterMap()
    Flusher(StatsClient(port=int(os.environ.get("STATSD_PORT", "8125"))), counts, seconds=0.1)
    counts.add("requests", 1_000_000)
