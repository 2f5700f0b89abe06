"""The API of the published fastcounter 1.x, over the compiled counters.

`Counter`, `FastReadCounter` and `FastWriteCounter` take `init` and `step`, `increment(num_steps=1)` adds
step * num_steps, and `value` is an attribute of all three.  For integers they do what 1.1.0 does, but that
`FastWriteCounter.increment()` subtracts with a negative number of steps, as the others do, where 1.1.0
ignores it; and any number of steps is one addition.
"""

from fastcounter._counters import CompatCounter as Counter
from fastcounter._counters import CompatFastReadCounter as FastReadCounter
from fastcounter._counters import CompatFastWriteCounter as FastWriteCounter

__all__ = ["Counter", "FastReadCounter", "FastWriteCounter"]
