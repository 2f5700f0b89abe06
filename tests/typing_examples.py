"""What a type checker makes of a user's code; checked by mypy and pyright, never run."""

from typing import assert_type

import fastcounter
from fastcounter import FastReadCounter, FastWriteCounter, SingleThreadCounter, compat, pure

single = SingleThreadCounter()
reader = FastReadCounter(5)
writer = FastWriteCounter(initial=True)

assert_type(single.value, int)
assert_type(reader.value, int)
assert_type(writer.value(), int)
assert_type(single.increment_and_get(), int)
assert_type(reader.add_and_get(-5), int)
assert_type(writer.reset(), int)
assert_type(int(writer), int)
writer.increment()
reader.add(2**70)

single.value = 5
single.value = True
single += 5
assert_type(single, SingleThreadCounter)

reader.value = 1.5  # type: ignore[assignment]
reader.add("1")  # type: ignore[arg-type]
writer.value = 5  # type: ignore[assignment,method-assign]
writer.increment_and_get()  # type: ignore[attr-defined]


class Named(FastReadCounter):
    def __init__(self, name: str) -> None:
        super().__init__(5)
        self.name = name


named = Named("requests")
named += 1
assert_type(named, Named)
assert_type(named.name, str)

old = compat.FastWriteCounter(init=5, step=2)
old.increment()
old.increment(num_steps=3)
assert_type(old.value, int)
counters: list[compat.Counter] = [old, compat.FastReadCounter()]

assert_type(pure.FastReadCounter().value, int)
assert_type(pure.FastWriteCounter().value(), int)
assert_type(fastcounter.__all__, list[str])
