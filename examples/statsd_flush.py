"""Send counts to StatsD, or a Datadog agent, each of them once: `python examples/statsd_flush.py`."""

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
                # To read, send and then set to 0 would lose what is counted in between.
                if count := counter.reset():
                    self.client.incr(name, count)

    def stop(self) -> None:  # a child of multiprocessing does not inherit what atexit does: call it there
        # Let run() flush once more.  Cut off by the exit, it could lose what it had just taken by reset().
        self.stopping.set()
        self.thread.join()

    def start_in_child(self) -> None:
        # A forked child has no threads, and a copy of the counts, which its parent is going to send.
        for counter in self.counters.values():
            counter.reset()
        self.start()


if __name__ == "__main__":
    requests = FastWriteCounter()
    Flusher(StatsClient(port=int(os.environ.get("STATSD_PORT", "8125"))), {"requests": requests}, seconds=0.1)
    requests.add(1_000_000)
