"""How many epochs it takes to get somewhere, of runs some of which never do."""

import math
from typing import Any

import numpy as np
from scipy import stats

from cnn_from_scratch.report.measures import TIE_DIGITS

Epochs = np.ndarray[Any, np.dtype[np.float64]]


def expected_running_time(arrived: Epochs, trained: Epochs) -> float | None:
    """Return the expected number of epochs until a run arrives, if one restarts until one does.

    ERT = (epochs spent by all runs) / (number of runs that arrived)

    A run that arrives spends the epochs until then, one that never does all that it trained. With
    the share p of arrivals this estimates E[T | arrives] + (1 - p)/p E[T | never], the cost of the
    last run and of the failed ones before it. None if no run arrived.

    arrived: (n,), the epoch in which each run arrived, NaN for never. trained: (n,), its last one.

    Source: Price 1997, "Differential evolution vs. the functions of the 2nd ICEO"; Hansen et al.
    2021, "COCO: a platform for comparing continuous optimizers in a black-box setting".
    """
    there = ~np.isnan(arrived)
    spent = np.where(there, arrived, trained)
    return math.fsum(spent) / int(there.sum()) if there.any() else None


def kaplan_meier_median(arrived: Epochs, followed: Epochs) -> float | None:
    """Return the epoch by which half of all runs have arrived: the first t with S(t) <= 1/2.

    S(t) = product over the epochs e <= t of (1 - arrivals in e / runs still on their way before e)

    Where all of an even number of runs arrive, it is the lower of the two middle ones. A run that
    never arrived is on its way up to and including the epoch until which it was followed; what it
    would have done afterwards is left open. None if S stays above 1/2.

    arrived: (n,), the epoch in which each run arrived, NaN for never. followed: (n,), the last
    epoch of which it is known that the run had not arrived; ignored for those that did.

    Source: Kaplan and Meier 1958, "Nonparametric estimation from incomplete observations".
    """
    there = ~np.isnan(arrived)
    times = stats.CensoredData(uncensored=arrived[there], right=followed[~there])
    survival = stats.ecdf(times).sf
    half = np.round(survival.probabilities, TIE_DIGITS) <= 0.5
    return float(survival.quantiles[half][0]) if half.any() else None
