"""The page of the statistics: the tables, with what they can and cannot show."""

from typing import Any

import pandas as pd

from cnn_from_scratch.report.measures import LEARNT, TIE_DIGITS, Measure, told_in
from cnn_from_scratch.report.names import SIGNIFICANCE, shown_split, split_title
from cnn_from_scratch.report.power import POWER
from cnn_from_scratch.report.sign_flips import (
    MAX_PATTERNS,
    is_exact,
    seeds_for,
    smallest_p,
)
from cnn_from_scratch.report.statistics import RESAMPLES, TRIMMED, WITH_SAMPLES, normal_coverage
from cnn_from_scratch.report.tables import (
    WITH_SAMPLES_TITLE,
    convergence_table,
    count,
    differences_table,
    interval_text,
    markdown_table,
)

STATISTICS = ["Mean", "Population SD", "Sample SD", "Median", "Interquartile mean"]
STRONG = 0.01  # a corrected p of which the page says how many seeds it takes
MAX_NAMED = 12  # pairs of which mean and probability disagree

WITH_SAMPLES_WORDS = (
    f' The interval "{WITH_SAMPLES_TITLE}", which accuracy on the test samples alone has, is as a'
    " rule the wider one: it resamples the seeds and, independently of them, the test samples"
    " (two-way or pigeonhole bootstrap, Owen 2007). It tells how far the mean would move with other"
    " seeds and with other test samples that come as these do. Of other writers and of other"
    " samples to train on it tells nothing, either. Its share of the samples errs on the wide side;"
    " that of few seeds is as much too narrow as before."
)

PROBABILITY_WORDS = (
    "P(> 0) is the probability that a seed gives a difference above 0: the share of seeds with one,"
    " ties counted half (Bouthillier et al. 2021), with its 95 % Wilson score interval (Wilson"
    " 1927). It is the chance that the first model is the better one if both are trained once. It"
    " is of other seeds alone, not of other digits."
)

CONVERGENCE_WORDS = (
    f"How fast the training samples are learnt. A run reaches {100 * LEARNT:.0f} % with the first"
    f" epoch after which at least {100 * LEARNT:.0f} % of them are classified right, though there"
    " may be fewer later. Some runs never do; the expected epochs and the median take these into"
    " account.\n\n"
    "The expected epochs are those that all runs spent, each until it got there or, if it never"
    " did, until it ended, divided by the number of runs that got there. This is the expected"
    " running time of starting anew, with another seed, until a run gets there (Price 1997; Hansen"
    " et al. 2021). A diverged run has spent the epochs before it diverged. Of few runs that got"
    " there it is a rough guess.\n\n"
    "The median is the first epoch by which half of all runs have got there (Kaplan and Meier"
    " 1958). Of a run that never got there it is known only that it takes longer than it was"
    " trained. Where more than half of the runs have not got there by the last epoch, all that is"
    " known of the median is that it is above (>) it."
    " A diverged run counts as not there until the last epoch of its model's runs. One that early"
    " stopping ended counts until it ended, and what it would have done afterwards is left open;"
    " but it was stopped as it no longer got better, so with such runs the median may be too"
    " low.\n\n"
    "The loss area is that under the training-loss curve from the untrained network to the last"
    " epoch, in nats x epochs (trapezoidal rule), mean ± population SD over all runs: it is the"
    " smaller, the sooner and the lower the loss falls. It grows with the number of epochs, so it"
    " compares only models trained equally long. A run that ended before the model's others, as a"
    " diverged one does, keeps its last loss to their end."
)


def statistics_page(
    scores: pd.DataFrame,
    models: dict[str, Any],
    comparisons: dict[str, dict[str, Any]],
    convergence: dict[str, Any],
) -> str:
    """Return the page.

    models: of `model_statistics`; comparisons: of `compare_models`; convergence: of
    `model_convergence`.
    """
    protocol = scores["protocol"].iloc[0]
    n = scores["seed"].nunique()
    paragraphs = [
        "# Statistics",
        f"Of {count(n, 'seed')} (protocol: {protocol}). The population SD divides by the number of"
        " seeds, as in the published table; the sample SD divides by one less. The interquartile"
        " mean leaves out the lowest and the highest quarter, here"
        f" {count(int(TRIMMED * n), 'value')} each. {_interval_words(n, models)}",
        *(
            paragraph
            for name, measure in told_in("statistics", by_split=True).items()
            for paragraph in (
                f"## {measure.heading}",
                *filter(None, [measure.note]),
                _statistics_table(models, name, measure, protocol),
            )
        ),
        "## Convergence",
        CONVERGENCE_WORDS,
        convergence_table(convergence),
        "## Comparisons",
        *_comparison_paragraphs(comparisons, split_title(shown_split(scores["split"]), protocol)),
    ]
    return "\n\n".join(paragraph.rstrip("\n") for paragraph in paragraphs) + "\n"


def _interval_words(n: int, models: dict[str, Any]) -> str:
    """Return what the intervals are and are not."""
    if n == 1:
        return "A single seed has no sample SD and no interval."
    return (
        f"The interval is the 95 % bootstrap interval of the mean (percentile method, {RESAMPLES:,}"
        " resamples of the seeds). It tells how far the mean would move with other seeds: other"
        " initial weights, and whatever else a seed draws, such as the split under holdout. All"
        " seeds share the same digits, so it tells nothing of other digits or other writers. And"
        " it is too narrow: of normally distributed values, an interval of"
        f" {count(n, 'value')} covers the true mean about {100 * normal_coverage(n):.0f} times in"
        " 100, not 95." + (WITH_SAMPLES_WORDS if any(map(_has_samples, models.values())) else "")
    )


def _has_samples(of_model: dict[str, Any]) -> bool:
    """Return whether there is an interval that has the test samples' share."""
    return bool(of_model.get("test", {}).get("accuracy", {}).get(WITH_SAMPLES))


def _statistics_table(models: dict[str, Any], name: str, measure: Measure, protocol: str) -> str:
    """Return a table with one row per split and model."""
    splits = dict.fromkeys(split for of_model in models.values() for split in of_model)
    intervals = {"95 % interval": "interval_95"}
    if name == "accuracy" and any(map(_has_samples, models.values())):
        intervals[WITH_SAMPLES_TITLE] = WITH_SAMPLES
    rows = [
        [
            split_title(split, protocol).capitalize(),
            model,
            *(measure.text(told[s.lower().replace(" ", "_")]) for s in STATISTICS),
            *(interval_text(measure.text, told.get(key)) for key in intervals.values()),
        ]
        for split in splits
        for model, of_model in models.items()
        for told in [of_model[split][name]]
    ]
    return markdown_table(["Samples", "Model", *STATISTICS, *intervals], rows)


def _comparison_paragraphs(comparisons: dict[str, dict[str, Any]], title: str) -> list[str]:
    """Return the table of comparisons, and what it can show."""
    if not comparisons:
        return ["None: they take two models and two seeds."]
    n, pairs = next(iter(comparisons.values()))["n"], len(comparisons)
    with_samples = any(row[WITH_SAMPLES] for row in comparisons.values())
    return [
        f"Accuracy of the first minus that of the second in percentage points (samples: {title}),"
        f" paired: a seed gives all models the same samples. {_p_words(n)} p (Holm) is corrected"
        f" for {count(pairs, 'comparison')}; the intervals are not.",
        f"{PROBABILITY_WORDS} {_power_words(pairs)}",
        differences_table("Models", "Mean difference", comparisons),
        *_disagreements(comparisons),
        f"What {count(n, 'seed')} can and cannot show:",
        "\n".join(f"- {line}" for line in _limits(n, pairs, with_samples=with_samples)),
    ]


def _p_words(n: int) -> str:
    """Return how the p-values are made."""
    patterns = f"2^{n} = {2**n:,} patterns of signs"
    if is_exact(n):
        return (
            "p is that of the two-sided sign-flip permutation test, exact: over all"
            f" {patterns} of the differences."
        )
    return (
        "p is that of the two-sided sign-flip permutation test, estimated from"
        f" {MAX_PATTERNS:,} random patterns of signs of the differences, as all {patterns} are too"
        " many to try."
    )


def _power_words(pairs: int) -> str:
    """Return what the columns of seeds are and are not."""
    return (
        "Seeds needed is how many seeds it takes to find such a difference, p at most"
        f" {SIGNIFICANCE} with probability {POWER}, if the true mean and SD were the measured ones"
        " (normal approximation with Guenther's term for few seeds, and never fewer than can give"
        f" such a p); (Holm) is the same for a p of at most {SIGNIFICANCE} / {pairs}, the hardest"
        " step of the correction; - where no number of seeds would do. It is a guide"
        " for a next study: it is as uncertain as the measured mean, and adds nothing to the p"
        " beside it."
    )


def _disagreements(comparisons: dict[str, dict[str, Any]]) -> list[str]:
    """Return a paragraph on the pairs whose mean and whose probability point apart, if any do."""
    pairs = [
        name
        for name, row in comparisons.items()
        if round(row["mean"], TIE_DIGITS) * (row["probability_better"] - 0.5) < 0
    ]
    if not pairs:
        return []
    more = len(pairs) - MAX_NAMED
    named = ", ".join(pairs[:MAX_NAMED]) + (f", and {count(more, 'other')}" if more > 0 else "")
    return [
        f"Mean and P(> 0) point in opposite directions for {named}. That is so where most seeds"
        " have one sign, and the fewer with the other are further from 0. The mean says what is"
        " gained over many trainings, P(> 0) which model is likely to be the better one of a single"
        " seed. Where both intervals hold no difference (0, and 0.5), neither is known."
    ]


def _limits(n: int, pairs: int, *, with_samples: bool) -> list[str]:
    """Return sentences on what the comparisons can show; they hold for any numbers.

    with_samples: whether there are intervals that have the test samples' share.
    """
    smallest = smallest_p(n)
    corrected = min(1.0, pairs * smallest)
    winner = "every seed" if is_exact(n) else "nearly every seed"
    of_samples = f' Other test digits alone are in the interval "{WITH_SAMPLES_TITLE}".'
    if corrected > SIGNIFICANCE:
        reach = f"above {SIGNIFICANCE}, so no difference can be significant here, however large"
    else:
        reach = f"within {SIGNIFICANCE}, so a difference can be significant here"
    return [
        f"No p can be below {smallest:.2g}, which takes one model to be better with {winner}, and"
        f" none corrected for {count(pairs, 'comparison')} below {corrected:.2g}. That is {reach}.",
        _seeds_for_strong(pairs),
        f"A p above {SIGNIFICANCE} does not show that two models are equal; the interval tells"
        " which differences the seeds leave possible.",
        f"A p of at most {SIGNIFICANCE} is evidence that two models differ, with these settings, on"
        " these digits. Whether they would on other digits, no number of seeds can show."
        + (of_samples if with_samples else ""),
    ]


def _seeds_for_strong(pairs: int) -> str:
    """Return how many seeds so many comparisons take for a small corrected p."""
    needed, compared = seeds_for(pairs, STRONG), count(pairs, "comparison")
    if needed is None:
        return (
            f"With {compared} no number of seeds gives a corrected p below {STRONG}: from random"
            f" patterns, of {MAX_PATTERNS:,}, p is at least {2 / (MAX_PATTERNS + 1):.2g}."
        )
    return (
        f"For a corrected p below {STRONG}, {compared} {'take' if pairs > 1 else 'takes'} at least"
        f" {count(needed, 'seed')}."
    )
