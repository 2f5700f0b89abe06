"""Combine the results of several processes: an estimate, and its 95 % confidence interval.

The estimate is the median of the processes' results, and the interval goes from one of these results to another.  So no
distribution is assumed, and no process is left out.  An outlier does not move the estimate, but widens the interval.
"""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

CONFIDENCE = 0.95
FEWEST_PROCESSES = 6  # with fewer, the true median is too often outside their range
WIDE = 0.05  # of the estimate


class Estimate(NamedTuple):
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return self.text(2 if self.value < 9.995 else 1 if self.value < 99.95 else 0)

    def text(self, digits: int) -> str:
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"

    def is_wide(self) -> bool:
        return self.high - self.low > WIDE * self.value

    def brief(self) -> str:
        """Return the text, with the interval only if it is wide."""
        return str(self) if self.is_wide() else str(self).split()[0]

    def over(self, other: "Estimate") -> "Estimate":
        """Divide by an estimate of other processes.  The interval is wider than it needs to be."""
        return Estimate(self.value / other.value, self.low / other.high, self.high / other.low)


def of_processes(results: Sequence[float]) -> Estimate:
    """Return the median, and its confidence interval.

    Each result is as likely to be above the true median as below it, so the number of results below it is binomial.
    That says which of the ordered results are the ends of the interval.
    """
    ordered, left_out = sorted(results), 0
    while 2 * sum(math.comb(len(ordered), below) for below in range(left_out + 2)) <= (1 - CONFIDENCE) * 2 ** len(
        ordered
    ):
        left_out += 1
    return Estimate(statistics.median(ordered), ordered[left_out], ordered[-1 - left_out])
