"""Count, and flush to Redis after every few counts, until SIGTERM: python flush_to_redis.py EXAMPLE PORT WAY LOG.

WAY `whole` flushes as the example does.  The others send INCRBY with the counts since the last flush: `repeated` sends
it again when the answer is lost, as redis-py does by default, and `once` does not.  LOG gets the line `writing COUNT`
before each flush, and `written COUNT` after it.
"""

import os
import random
import signal
import sys
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import TimeoutError as LostAnswer

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastcounter import FastWriteCounter
from helpers import load

example, port, way, log = sys.argv[1:]
many_machines = load(example)


class IncrementingCounter(FastWriteCounter):
    def __init__(self, redis, name):
        self.redis, self.name = redis, name

    def flush(self):
        new = self.reset()
        try:
            self.redis.incrby(self.name, new)
        except (LostConnection, LostAnswer):
            if way == "repeated":
                self.add(new)
            raise


stopping = []
signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
if way == "whole":
    counter = many_machines.GrowOnlyCounter(f"redis://127.0.0.1:{port}", "requests")
else:
    redis = Redis(port=int(port)) if way == "repeated" else Redis(port=int(port), retry=None)
    counter = IncrementingCounter(redis, "requests")
lines = os.open(log, os.O_WRONLY | os.O_CREAT)
counted, written = 0, False
while not (stopping and written):
    for _ in range(0 if stopping else random.randrange(1, 1000)):
        counter.increment()
        counted += 1
    os.write(lines, b"writing %d\n" % counted)
    try:
        counter.flush()
    except (LostConnection, LostAnswer):
        written = False
    else:
        written = True
        os.write(lines, b"written %d\n" % counted)
