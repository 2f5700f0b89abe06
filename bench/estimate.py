"""What many processes say together: an estimate, and an interval that holds the truth in 95 runs of 100.

Neither asks how noise is distributed, and neither leaves a process out.  One that is far off cannot move the estimate,
which is a median; it makes the interval wider, whose ends are results of processes too.
"""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

CONFIDENCE = 0.95
FEWEST_PROCESSES = 6  # the range of fewer holds the truth less often than that


class Estimate(NamedTuple):
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        digits = 2 if self.value < 9.995 else 1 if self.value < 99.95 else 0
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"

    def over(self, other: "Estimate") -> "Estimate":
        """How many times the other it is, where they are not of the same processes; the interval is a cautious one."""
        return Estimate(self.value / other.value, self.low / other.high, self.high / other.low)


def of_processes(results: Sequence[float]) -> Estimate:
    """The median, between the innermost pair of processes that encloses the true median often enough.

    Each process is as likely to be above the true median as below it, like a coin: how many are below is binomial.
    """
    ordered, left_out = sorted(results), 0
    while 2 * sum(math.comb(len(ordered), below) for below in range(left_out + 2)) <= (1 - CONFIDENCE) * 2 ** len(
        ordered
    ):
        left_out += 1
    return Estimate(statistics.median(ordered), ordered[left_out], ordered[-1 - left_out])
