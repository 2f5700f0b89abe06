"""Count and flush to Redis, here and in forked children: python flush_to_redis_in_children.py EXAMPLE PORT."""

import importlib.util
import os
import sys
import threading
import warnings

CHILDREN = 20
COUNTS = 10_000

warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12: a fork while there are threads
spec = importlib.util.spec_from_file_location("many_machines", sys.argv[1])
many_machines = importlib.util.module_from_spec(spec)
spec.loader.exec_module(many_machines)

requests = many_machines.GrowOnlyCounter(f"redis://127.0.0.1:{sys.argv[2]}", "requests")
requests.flush()  # imports all that a connection needs: a fork during an import copies a taken lock


def count():
    for number in range(COUNTS):
        requests.increment()
        if number % 1000 == 0:
            requests.flush()


for _ in range(CHILDREN):
    thread = threading.Thread(target=count)
    thread.start()
    if os.fork() == 0:
        count()
        requests.flush()
        os._exit(0)
    thread.join()
requests.flush()
for _ in range(CHILDREN):
    assert os.wait()[1] == 0
