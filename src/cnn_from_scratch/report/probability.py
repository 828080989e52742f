"""The probability that a difference is above 0, as a share of the seeds."""

import math
from collections.abc import Iterable
from statistics import NormalDist

import numpy as np

from cnn_from_scratch.report.measures import TIE_DIGITS
from cnn_from_scratch.report.statistics import CONFIDENCE


def probability_better(differences: Iterable[float]) -> float:
    """Return the share of the n >= 1 differences that are above 0, ties counted half.

    As P(A > B), of the paired seeds of two models, it tells how often the first would be better if
    both were trained once. Differences that agree with 0 up to TIE_DIGITS are ties.

    Source: Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks"
    (arXiv 2103.03098).
    """
    signs = np.sign(np.round(np.asarray(list(differences), float), TIE_DIGITS))
    return (len(signs) + int(signs.sum())) / (2 * len(signs))


def wilson_interval(share: float, n: int) -> list[float]:
    """Return the ends of the 95 % Wilson score interval of a probability.

    share: p, as seen in n trials; half a success for a tie. With z the normal quantile for 95 %,
    (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n). A bootstrap's interval
    would have no width where all trials agree. Ties make the share vary less than p (1 - p) / n, so
    with them the interval errs on the wide side. SciPy has it for whole successes only.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    z = NormalDist().inv_cdf((1.0 + CONFIDENCE) / 2.0)
    centre = share + z**2 / (2 * n)
    reach = z * math.sqrt(share * (1.0 - share) / n + (z / (2 * n)) ** 2)
    ends = [(centre + side * reach) / (1.0 + z**2 / n) for side in (-1.0, 1.0)]
    return [min(max(end, 0.0), 1.0) for end in ends]  # rounding may leave 0..1
