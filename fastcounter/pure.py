"""The three counters of the article in pure Python: what the compiled ones are measured and tested against.

The algorithms and the API are those of Julien Danjou's "Atomic lock-free counters in Python"
(https://julien.danjou.info/atomic-lock-free-counters-in-python/).
"""

import itertools
import threading

__all__ = ["FastReadCounter", "FastWriteCounter", "SingleThreadCounter"]


class SingleThreadCounter:
    """Adds 1 to a plain int; increments from several threads may be lost."""

    def __init__(self) -> None:
        self.value = 0

    def increment(self) -> None:
        self.value += 1


class FastReadCounter:
    """Adds 1 under a lock; reading is an attribute access without one."""

    def __init__(self) -> None:
        self.value = 0
        self._lock = threading.Lock()

    def increment(self) -> None:
        with self._lock:
            self.value += 1


class FastWriteCounter:
    """Adds 1 by `next()`, which is atomic under the GIL; reading takes a lock, as a read counts too."""

    def __init__(self) -> None:
        self._reads = 0
        self._steps = itertools.count()
        self._read_lock = threading.Lock()

    def increment(self) -> None:
        next(self._steps)

    def value(self) -> int:
        with self._read_lock:
            count = next(self._steps) - self._reads
            self._reads += 1
        return count
