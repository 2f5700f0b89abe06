from typing import SupportsIndex

from typing_extensions import disjoint_base

from fastcounter._counters import _Counter

__all__ = ["Counter", "FastReadCounter", "FastWriteCounter"]

@disjoint_base
class Counter(_Counter):
    def __init__(self, init: SupportsIndex = 0, step: SupportsIndex = 1) -> None: ...
    def increment(self, num_steps: SupportsIndex = 1) -> None: ...
    def decrement(self, num_steps: SupportsIndex = 1) -> None: ...
    @property
    def value(self) -> int: ...
    @value.setter
    def value(self, value: SupportsIndex) -> None: ...

@disjoint_base
class FastReadCounter(Counter): ...

@disjoint_base
class FastWriteCounter(Counter):
    # Not assignable, where the base class's is: so it is in 1.x.
    @property  # type: ignore[misc]
    def value(self) -> int: ...  # pyright: ignore[reportIncompatibleMethodOverride]
