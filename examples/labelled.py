"""Count by label, whatever labels come, and take all counts once in a while: `python examples/labelled.py`."""

from concurrent.futures import ThreadPoolExecutor

from fastcounter import FastReadCounter


class LabelledCounts(dict[str, FastReadCounter]):
    """A counter for each label, made when the label is first seen: `counts[label].increment()`."""

    def __missing__(self, label: str) -> FastReadCounter:
        # setdefault() is one atomic step.  A defaultdict can make two counters for a new label that two threads
        # meet at once, and lose the counts of one (python/cpython#142495); a collections.Counter loses some of
        # its `counts[label] += 1`.
        return self.setdefault(label, FastReadCounter())

    def drain(self) -> dict[str, int]:
        """Return what was counted since the last call; each count is in the result of exactly one call."""
        # Of a copy: other threads may add labels meanwhile.  Labels stay: who has just looked up a counter that
        # is then deleted would count in vain.
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
