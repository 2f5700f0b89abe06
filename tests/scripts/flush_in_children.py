"""Count and flush as an example does, here and in children forked meanwhile: python flush_in_children.py EXAMPLE PORT.

EXAMPLE is the path of statsd_flush.py or many_machines.py, and PORT that of a StatsD or Redis server.
"""

import os
import sys
import threading
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastcounter import CounterMap
from helpers import load

CHILDREN = 20
COUNTS = 10_000


class StatsD:
    def __init__(self, example, port):
        from statsd import StatsClient

        self.counts = CounterMap()
        self.flusher = example.Flusher(StatsClient("127.0.0.1", port), self.counts, seconds=0.01)

    def count(self):
        for _ in range(COUNTS):
            self.counts.increment("requests")

    def flush(self):
        """A thread does it every hundredth of a second, and the end of a process does it too."""


class Redis:
    def __init__(self, example, port):
        self.counter = example.GrowOnlyCounter(f"redis://127.0.0.1:{port}", "requests")
        self.flush()  # imports all that a connection needs: a fork during an import copies a taken lock

    def count(self):
        for number in range(COUNTS):
            self.counter.increment()
            if number % 1000 == 0:
                self.flush()

    def flush(self):
        self.counter.flush()


WAYS = {"statsd_flush": StatsD, "many_machines": Redis}


def main():
    path, port = sys.argv[1:]
    warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12: a fork while there are threads
    example = load(path)
    way = WAYS[example.__name__](example, int(port))
    for _ in range(CHILDREN):
        thread = threading.Thread(target=way.count)
        thread.start()
        if os.fork() == 0:
            way.count()
            way.flush()
            sys.exit()
        thread.join()
    way.flush()
    for _ in range(CHILDREN):
        assert os.wait()[1] == 0


if __name__ == "__main__":
    main()
