"""The page of statistics: its tables, and sentences that stay true for any number of seeds."""

import pandas as pd
import pytest

from cnn_from_scratch.report.comparisons import compare_models
from cnn_from_scratch.report.pages import statistics_page
from cnn_from_scratch.report.statistics import model_convergence, model_statistics


def page(scores: pd.DataFrame) -> str:
    """Return the page in which paragraphs are lines."""
    convergence = model_convergence(scores)
    return statistics_page(scores, model_statistics(scores), compare_models(scores), convergence)


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
        ["A - B", "+50.00", "+25.00 to +75.00", "0.2500", "0.2500"]
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
    assert cells(page(repeated(scores, 17)), "A - B")[0][3:] == ["< 0.0001", "< 0.0001"]


def test_one_seed_has_no_interval_and_no_comparison(scores: pd.DataFrame) -> None:
    text = page(scores[scores["seed"] == 1])
    assert cells(text, "Test", "B")[0][2:] == ["25.00", "0.00", "-", "25.00", "25.00", "-"]
    assert "A single seed has no sample SD and no interval." in text
    assert "None: they take two models and two seeds." in text
    assert "95 times" not in text


def test_without_test_samples_under_resubstitution(scores: pd.DataFrame) -> None:
    text = page(scores[scores["split"] != "test"].assign(protocol="resubstitution"))
    assert cells(text, "Validation = training samples (resubstitution)", "A")
    assert "(samples: validation = training samples (resubstitution))" in text
    assert "Test" not in text
