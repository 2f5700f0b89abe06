"""The benchmark: the compiled counters against the originals, and against the least that CPython can do."""
