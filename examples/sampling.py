"""Sample calls and number things, exactly, from any number of threads: `python examples/sampling.py`."""

from concurrent.futures import ThreadPoolExecutor

from fastcounter import FastReadCounter

# All three rest on increment_and_get(), which counts and tells in one step.  Between `calls.increment()` and a
# look at `calls.value` other threads count too: two of them may see 200, and none 100.


class EveryNth:
    """True at each nth call: for logging, tracing or profiling one request in a hundred."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.calls = FastReadCounter()

    def __call__(self) -> bool:
        return self.calls.increment_and_get() % self.n == 0


class FirstN:
    """True at the first n calls: for warnings that need not be repeated for ever."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.calls = FastReadCounter()

    def __call__(self) -> bool:
        # The look before counting only spares the counting, once all n are gone.
        return self.calls.value < self.n and self.calls.increment_and_get() <= self.n


# A number that nobody else gets: 1, 2, 3 ...
next_id = FastReadCounter().increment_and_get


def main() -> None:
    sampled, warned = EveryNth(100), FirstN(3)
    with ThreadPoolExecutor(8) as pool:
        print(sum(pool.map(lambda _: sampled(), range(10_000))), "of 10000 calls sampled")
        print(sum(pool.map(lambda _: warned(), range(10_000))), "of 10000 calls warned")
        print(len(set(pool.map(lambda _: next_id(), range(10_000)))), "different ids")


if __name__ == "__main__":
    main()
