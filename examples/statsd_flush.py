"""Send counts to StatsD or a Datadog agent, each count exactly once: `python examples/statsd_flush.py`."""

import atexit
import os
import threading

from statsd import StatsClient

from fastcounter import FastWriteCounter


class Flusher:
    def __init__(self, client: StatsClient, counters: dict[str, FastWriteCounter], seconds: float = 10) -> None:
        self.client, self.counters, self.seconds = client, counters, seconds
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
            for name, counter in self.counters.items():
                # reset() is one atomic step.  Reading the count and setting it to 0 later would lose counts.
                if count := counter.reset():
                    self.client.incr(name, count)

    def stop(self) -> None:  # call this in a child of multiprocessing, which runs no atexit functions of its parent
        # Let run() flush once more and end.  If the exit stopped it, it could lose counts between reset() and incr().
        self.stopping.set()
        self.thread.join()

    def start_in_child(self) -> None:
        # A forked child has no flusher thread.  It has a copy of counts that its parent will send.
        for counter in self.counters.values():
            counter.reset()
        self.start()


if __name__ == "__main__":
    requests = FastWriteCounter()
    Flusher(StatsClient(port=int(os.environ.get("STATSD_PORT", "8125"))), {"requests": requests}, seconds=0.1)
    requests.add(1_000_000)
