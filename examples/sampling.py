"""Sample calls and make unique ids, exactly, in any number of threads of a process: `python examples/sampling.py`."""

from concurrent.futures import ThreadPoolExecutor

from fastcounter import FastReadCounter

# All three need increment_and_get(), which increments and returns the new count in one atomic step.  If a thread called
# `increment()` and then read `value`, others would count in between: two threads may see 200, and none 100.


class EveryNth:
    """Returns True at each nth call: to log, trace or profile one request in a hundred."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.calls = FastReadCounter()

    def __call__(self) -> bool:
        return self.calls.increment_and_get() % self.n == 0


class FirstN:
    """Returns True at the first n calls: to show a warning only a few times."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.calls = FastReadCounter()

    def __call__(self) -> bool:
        # The first comparison only saves time: after n calls, nothing needs to be counted.
        return self.calls.value < self.n and self.calls.increment_and_get() <= self.n


# Returns 1, 2, 3 ..., each number once in this process.  Other processes return the same numbers, and so does the next
# run.  For ids that are unique among processes, use `SharedCounter(memory).increment_and_get`.
next_id = FastReadCounter().increment_and_get


def main() -> None:
    sampled, warned = EveryNth(100), FirstN(3)
    with ThreadPoolExecutor(8) as pool:
        print(sum(pool.map(lambda _: sampled(), range(10_000))), "of 10000 calls sampled")
        print(sum(pool.map(lambda _: warned(), range(10_000))), "of 10000 calls warned")
        print(len(set(pool.map(lambda _: next_id(), range(10_000)))), "different ids")


if __name__ == "__main__":
    main()
