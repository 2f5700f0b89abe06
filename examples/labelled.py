"""Count by label, with labels that are not known in advance: `python examples/labelled.py`."""

from concurrent.futures import ThreadPoolExecutor

from fastcounter import FastReadCounter


class LabelledCounts(dict[str, FastReadCounter]):
    """A counter for each label, made when the label is first used: `counts[label].increment()`."""

    def __missing__(self, label: str) -> FastReadCounter:
        # setdefault() is atomic.  A defaultdict is not: if two threads use a new label at once, it can make two
        # counters and lose the counts of one (python/cpython#142495).  A collections.Counter is not atomic either, and
        # `counts[label] += 1` loses counts.
        return self.setdefault(label, FastReadCounter())

    def drain(self) -> dict[str, int]:
        """Return the counts since the last call.  Each increment is in the result of exactly one call."""
        # Iterate over a copy, since other threads may add labels meanwhile.  Never delete a label: a thread that has
        # just looked up its counter would increment a counter that nobody reads.
        drained = {label: counter.reset() for label, counter in self.copy().items()}
        return {label: count for label, count in drained.items() if count}


def main() -> None:
    hits = LabelledCounts()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10_000):
            pool.submit(lambda: hits["/"].increment())
            pool.submit(lambda: hits["/about"].increment())
    print(hits.drain())
    print(hits.drain())


if __name__ == "__main__":
    main()
