"""Mean and deviation, exact; apart from `statistics`, as not everybody needs SciPy."""

import math
from collections.abc import Iterable


def mean_sd(values: Iterable[float]) -> tuple[float, float]:
    """Return the mean and the population SD, sqrt(sum((x - mean)^2) / n), of n >= 1 numbers.

    The sums are exact (math.fsum), so their order does not matter.
    """
    numbers = list(values)
    mean = math.fsum(numbers) / len(numbers)
    deviations = [x - mean for x in numbers]
    return mean, math.sqrt(math.fsum(d * d for d in deviations) / len(numbers))
