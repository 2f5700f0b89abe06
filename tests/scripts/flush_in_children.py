"""Count and flush to StatsD, here and in children forked meanwhile: python flush_in_children.py EXAMPLE PORT."""

import importlib.util
import os
import sys
import threading
import warnings

from statsd import StatsClient

from fastcounter import CounterMap

CHILDREN = 20
COUNTS = 10_000

warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12: a fork while there are threads
spec = importlib.util.spec_from_file_location("statsd_flush", sys.argv[1])
statsd_flush = importlib.util.module_from_spec(spec)
spec.loader.exec_module(statsd_flush)

counts = CounterMap()
statsd_flush.Flusher(StatsClient("127.0.0.1", int(sys.argv[2])), counts, seconds=0.01)


def count():
    for _ in range(COUNTS):
        counts.increment("requests")


for _ in range(CHILDREN):
    thread = threading.Thread(target=count)
    thread.start()
    if os.fork() == 0:
        count()
        sys.exit()
    thread.join()
for _ in range(CHILDREN):
    assert os.wait()[1] == 0
