"""What many processes say together: an estimate, and the interval that holds the truth in 95 runs of 100.

Neither asks how the noise is distributed, and neither leaves a process out.  One process that is far off cannot move
the estimate, which is a median; it makes the interval wider, whose ends are results of processes too.
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


def of_processes(results: Sequence[float]) -> Estimate:
    """The median, between the innermost pair of processes that encloses the true median often enough.

    Each process is as likely to be above the true median as below it, so how many are below it is binomial.
    """
    ordered = sorted(results)
    left_out = 0
    while 1 - 2 * chance(left_out + 1, len(ordered)) >= CONFIDENCE:
        left_out += 1
    return Estimate(statistics.median(ordered), ordered[left_out], ordered[-1 - left_out])


def chance(most: int, tosses: int) -> float:
    """The probability that a coin falls on its head so many times or fewer."""
    return math.fsum(math.comb(tosses, heads) / 2.0**tosses for heads in range(most + 1))


def of_change(old: Sequence[float], new: Sequence[float]) -> Estimate:
    """How many times the old the new is, where they are not of the same processes: Hodges and Lehmann's estimate.

    That is the median of all quotients of one of each, between those that the Mann-Whitney test does not exclude.
    """
    quotients = sorted(after / before for after in new for before in old)
    deviation = math.sqrt(len(quotients) * (len(old) + len(new) + 1) / 12)
    left_out = len(quotients) / 2 - statistics.NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * deviation
    index = max(0, math.floor(left_out))
    return Estimate(statistics.median(quotients), quotients[index], quotients[-1 - index])
