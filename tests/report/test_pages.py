"""The page of statistics: its tables, and sentences that stay true for any number of seeds."""

import numpy as np
import pandas as pd
import pytest

from cnn_from_scratch.report.comparisons import Resampled, compare_models
from cnn_from_scratch.report.pages import statistics_page
from cnn_from_scratch.report.statistics import model_convergence, model_statistics

NO_SAMPLES: Resampled = {}
WITH_SAMPLES: Resampled = {"A": np.linspace(0.6, 0.8, 41), "B": np.linspace(0.1, 0.3, 41)}


def page(scores: pd.DataFrame, resampled: Resampled = NO_SAMPLES) -> str:
    """Return the page in which paragraphs are lines. resampled: the means of test samples, too."""
    convergence = model_convergence(scores)
    statistics, pairs = model_statistics(scores, resampled), compare_models(scores, resampled)
    return statistics_page(scores, statistics, pairs, convergence)


def cells(page: str, *starts: str) -> list[list[str]]:
    """Return the cells of the rows that begin with these."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    return [row for row in rows if row[: len(starts)] == list(starts)]


def repeated(scores: pd.DataFrame, seeds: int) -> pd.DataFrame:
    """Return scores of so many seeds, each like seed 2."""
    row = scores[scores["seed"] == 2]
    return pd.concat([row.assign(seed=seed) for seed in range(seeds)])


def test_accuracy_is_in_percent_and_loss_in_nats(scores: pd.DataFrame) -> None:
    text = page(scores)
    accuracy, loss, *_ = cells(text, "Test", "A")
    assert accuracy[2:] == ["75.00", "20.41", "25.00", "75.00", "75.00", "50.00 to 100.00"]
    assert loss[2:] == ["1.750", "0.2041", "0.2500", "1.750", "1.750", "1.500 to 2.000"]
    assert text.index("Accuracy in percent") < text.index("Loss in nats")
    assert len(cells(text, "Validation", "B")) == 4
    assert "Of 3 seeds (protocol: holdout)." in text


def test_a_measure_is_told_with_what_it_means(scores: pd.DataFrame) -> None:
    text = page(scores)
    brier, error = cells(text, "Test", "A")[2:]
    assert brier[2:4] == ["0.5000", "0.4082"]
    assert error[2:4] == ["12.50", "10.21"]
    for heading, words, after in (
        ("## Brier score\n", "the right class is given all", "## Expected calibration error"),
        ("## Expected calibration error in percent\n", "In each of 15 bins", "## Convergence"),
    ):
        rows = text.index("| Samples", text.index(heading))
        assert text.index(heading) < text.index(words) < rows < text.index(after)
    assert "\n\n\n" not in text


def test_the_mean_is_rounded_as_in_the_results(scores: pd.DataFrame) -> None:
    """Once, from all its digits: 86.4349999 is 86.43, though six digits of it are 86.4350."""
    text = page(scores.assign(accuracy=0.864349999))
    assert cells(text, "Test", "A")[0][2] == "86.43"


def test_convergence_is_told_with_what_it_means(scores: pd.DataFrame) -> None:
    text = page(scores)
    assert cells(text, "A", "2 of 3") == [["A", "2 of 3", "3.0", "2", "2.00 ± 0.82"]]
    assert cells(text, "B", "0 of 3") == [["B", "0 of 3", "-", "> 3", "2.00 ± 0.82"]]
    words = "at least 95 % of them are classified right"
    places = ["Loss in nats", "## Convergence", words, "2 of 3", "## Comparisons"]
    assert sorted(places, key=text.index) == places


def test_comparisons_are_in_percentage_points(scores: pd.DataFrame) -> None:
    text = page(scores)
    assert cells(text, "A - B") == [
        ["A - B", "+50.00", "+25.00 to +75.00", "1.00 (0.44 to 1.00)", "0.2500", "0.2500", "6", "6"]
    ]  # fmt: skip
    assert "(samples: test)" in text
    assert "2^3 = 8 patterns of signs" in text


@pytest.mark.parametrize(
    ("seeds", "models", "expected"),
    [
        (2, 2, "No p can be below 0.5, which takes one model to be better with every seed, and none"
               " corrected for 1 comparison below 0.5. That is above 0.05, so no difference"),
        (5, 2, "below 0.062, which"),
        (5, 2, "1 comparison below 0.062. That is above 0.05, so no difference"),
        (6, 2, "1 comparison below 0.031. That is within 0.05, so a difference can"),
        (3, 2, "For a corrected p below 0.01, 1 comparison takes at least 8 seeds."),
        (3, 3, "For a corrected p below 0.01, 3 comparisons take at least 10 seeds."),
        (10, 2, "p at most 0.05 with probability 0.8"),
        (10, 3, "p of at most 0.05 / 3, the hardest step"),
        (6, 3, "3 comparisons below 0.094. That is above 0.05"),
        (17, 2, "below 3.1e-05, which takes one model to be better with nearly every seed"),
        (17, 2, "65,536 random patterns of signs"),
        (17, 2, "all 2^17 = 131,072 patterns"),
        (2, 2, "an interval of 2 values covers the true mean about 50 times in 100"),
        (10, 2, "an interval of 10 values covers the true mean about 90 times in 100"),
        (10, 2, "quarter, here 2 values each"),
    ],
)  # fmt: skip
def test_the_words_fit_the_numbers(
    scores: pd.DataFrame, seeds: int, models: int, expected: str
) -> None:
    third = scores[scores["model"] == "A"].assign(model="C", accuracy=0.125)
    some = pd.concat([scores, third]) if models == 3 else scores
    assert expected in page(repeated(some, seeds))


def test_a_tiny_p_is_not_called_0(scores: pd.DataFrame) -> None:
    assert cells(page(repeated(scores, 17)), "A - B")[0][4:6] == ["< 0.0001", "< 0.0001"]


def test_one_seed_has_no_interval_and_no_comparison(scores: pd.DataFrame) -> None:
    text = page(scores[scores["seed"] == 1])
    assert cells(text, "Test", "B")[0][2:] == ["25.00", "0.00", "-", "25.00", "25.00", "-"]
    assert "A single seed has no sample SD and no interval." in text
    assert "None: they take two models and two seeds." in text
    assert "95 times" not in text


def test_the_interval_with_samples_is_told_beside_the_narrower(scores: pd.DataFrame) -> None:
    text = page(scores, WITH_SAMPLES)
    assert cells(text, "Test", "A")[0][-2:] == ["50.00 to 100.00", "60.50 to 79.50"]
    assert cells(text, "Validation", "A")[0][-1] == "-"
    loss = cells(text, "Test", "A")[1]
    assert loss[-1] == "1.500 to 2.000"  # which has no such interval, hence no such column
    assert cells(text, "A - B")[0][3] == "+50.00 to +50.00"
    words = "it tells nothing of other digits or other writers"
    pointed_to = 'The interval "With samples", which accuracy on the test samples alone has'
    assert 0 < text.index(words) < text.index(pointed_to)
    assert 'Other test digits alone are in the interval "With samples".' in text


def test_without_such_an_interval_nothing_is_said_of_it(scores: pd.DataFrame) -> None:
    for some in (scores, scores[scores["seed"] == 1]):
        assert "With samples" not in page(some)
        assert "pigeonhole" not in page(some)


def test_pairs_whose_mean_and_probability_disagree_are_named(scores: pd.DataFrame) -> None:
    """A is far better with one seed, and a little worse with two."""
    accuracy = {("A", 0): 0.9, ("A", 1): 0.4, ("A", 2): 0.4, ("B", 0): 0.1}
    keys = zip(scores["model"], scores["seed"], strict=True)
    some = scores.assign(accuracy=[accuracy.get(key, 0.5) for key in keys])
    _, mean, _, probability, *_ = cells(page(some), "A - B")[0]
    assert (mean, probability) == ("+20.00", "0.33 (0.06 to 0.79)")
    assert "\nMean and P(> 0) point in opposite directions for A - B. That is so" in page(some)
    assert "opposite directions" not in page(scores)


def test_of_many_pairs_that_disagree_the_first_are_named(scores: pd.DataFrame) -> None:
    row = compare_models(scores, NO_SAMPLES)["A - B"] | {"mean": 0.1, "probability_better": 0.4}
    pairs = {f"{k} - x": row for k in range(15)}
    text = statistics_page(scores, model_statistics(scores, {}), pairs, model_convergence(scores))
    assert "for 0 - x, 1 - x, " in text
    assert "11 - x, and 3 others. That" in text


def test_without_test_samples_under_resubstitution(scores: pd.DataFrame) -> None:
    text = page(scores[scores["split"] != "test"].assign(protocol="resubstitution"))
    assert cells(text, "Validation = training samples (resubstitution)", "A")
    assert "(samples: validation = training samples (resubstitution))" in text
    assert "Test" not in text


def test_so_many_comparisons_that_no_number_of_seeds_is_enough(scores: pd.DataFrame) -> None:
    row = compare_models(scores, NO_SAMPLES)["A - B"]
    pairs = {f"{k} - x": row for k in range(435)}
    text = statistics_page(scores, model_statistics(scores, {}), pairs, model_convergence(scores))
    assert (
        "With 435 comparisons no number of seeds gives a corrected p below 0.01: from random"
        " patterns, of 65,536, p is at least 3.1e-05."
    ) in text
