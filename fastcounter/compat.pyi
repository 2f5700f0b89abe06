"""The API of the published fastcounter 1.x, over the compiled counters.

`Counter`, `FastReadCounter` and `FastWriteCounter` take `init` and `step`, `increment(num_steps=1)` adds step *
num_steps, and `value` is an attribute of all three.  With integers they count as 1.1.0 does, with one difference: a
negative number of steps subtracts in all three classes.  FastWriteCounter of 1.1.0 ignores it.  Any number of steps is
one addition, in one atomic step.

An interpreter other than the main one leaks this module's memory when it is closed.
"""

from typing import SupportsIndex

from typing_extensions import disjoint_base

from fastcounter._counters import _Counter

__all__ = ["Counter", "FastReadCounter", "FastWriteCounter"]

@disjoint_base
class Counter(_Counter):
    """A counter for one thread that counts in steps.  It promises what fastcounter.SingleThreadCounter promises.

    `init` is the integer to count from, `step` the integer that increment() adds.  Anything else raises TypeError.
    """
    def __init__(self, init: SupportsIndex = 0, step: SupportsIndex = 1) -> None: ...
    def increment(self, num_steps: SupportsIndex = 1) -> None:
        """Add step * num_steps to the count, in one atomic step, and return None.

        Raises TypeError, with the count unchanged, if num_steps is not an integer.
        """
    def decrement(self, num_steps: SupportsIndex = 1) -> None:
        """Subtract step * num_steps from the count, in one atomic step, and return None.

        1.x has no such method.  Raises TypeError, with the count unchanged, if num_steps is not an integer.
        """
    @property
    def value(self) -> int:
        """The count, an int.  Assign an integer to set it, unless this is a FastWriteCounter.

        With the GIL, reading takes as long as reading an attribute of a class with `__slots__`.  Without it, reading
        makes an int.  Reading and assigning are one atomic step each.  If the assigned value is not an integer,
        TypeError is raised and the count stays unchanged.
        """
    @value.setter
    def value(self, value: SupportsIndex) -> None: ...

@disjoint_base
class FastReadCounter(Counter):
    """A counter for any number of threads that counts in steps.  It promises what fastcounter.FastReadCounter promises.

    `init` is the integer to count from, `step` the integer that increment() adds.  Anything else raises TypeError.
    """

@disjoint_base
class FastWriteCounter(Counter):
    """A counter for any number of threads that counts in steps.  It promises what fastcounter.FastWriteCounter promises.

    `init` is the integer to count from, `step` the integer that increment() adds.  Anything else raises TypeError.
    """
    # Not assignable, where the base class's is: so it is in 1.x.
    @property  # type: ignore[misc]
    def value(self) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The count, an int.  Assign an integer to set it, unless this is a FastWriteCounter.

        With the GIL, reading takes as long as reading an attribute of a class with `__slots__`.  Without it, reading
        makes an int.  Reading and assigning are one atomic step each.  If the assigned value is not an integer,
        TypeError is raised and the count stays unchanged.
        """
