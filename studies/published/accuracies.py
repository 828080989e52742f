"""The published table: each run's accuracy as the released script reads it.

Usage: python accuracies.py, in this folder;
runs/, float32/float32.json -> accuracies/accuracies.json, accuracies.md and float32.md

The script reads the accuracy from the logits of the last epoch before its update; so it is that of
the epoch before the last in history.csv, whose last row is of the trained network. The test samples
are labelled by the trained network.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

import start

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.experiment.files import replacing, write_json, write_text
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.report.measures import mean_and_population_sd, rounded
from cnn_from_scratch.report.outputs import read_json
from cnn_from_scratch.report.runs import Runs, read_runs
from cnn_from_scratch.report.tables import PUBLISHED_ACCURACY, count, markdown_table

Counts = dict[str, list[int]]  # correct samples by model, one per seed


def training_counts(params: Params, runs: Runs, samples: int) -> Counts:
    """Return the counts before the last update, on the training samples. Raises InputError."""
    counts: Counts = {}
    for name, model in params.models.items():
        history = runs.history[runs.history["model"] == name]
        rows = history[history["epoch"] == model.train.epochs - 1]
        if len(rows) != len(params.seeds):
            raise InputError(f"runs/{name}: a run diverged; the released script's go on")
        counts[name] = [round(samples * accuracy) for accuracy in rows["train_accuracy"]]
    return counts


def heldout_counts(runs: Runs) -> Counts:
    """Return the trained networks' counts on the test samples."""
    test = runs.predictions[runs.predictions["split"] == "test"]
    right = (
        test.assign(right=test["predicted"] == test["label"])
        .groupby(["model", "seed"], sort=False)["right"]
        .sum()
    )
    return {str(name): of_model.tolist() for name, of_model in right.groupby("model", sort=False)}


def percent(counts: Counts, samples: int) -> dict[str, dict[str, float]]:
    """Return mean and population_sd of each model's accuracy over the seeds, in percent."""
    moments = {
        name: mean_and_population_sd([100 * correct / samples for correct in of_model])
        for name, of_model in counts.items()
    }
    return {name: {"mean": mean, "population_sd": sd} for name, (mean, sd) in moments.items()}


def accuracies_table(counts: Counts, samples: int) -> str:
    """Return mean, population SD and every seed's accuracy, beside the published figures."""
    header = ["Model", "Here, %", "Published, %", f"Correct of {samples}, by seed"]
    rows = []
    for name, here in percent(counts, samples).items():
        published = PUBLISHED_ACCURACY[name.partition("-")[2]]
        moments = [here["mean"], here["population_sd"]]
        rows.append([name, *("{:.2f} ± {:.2f}".format(*both) for both in (moments, published)),
                     " ".join(map(str, counts[name]))])  # fmt: skip
    return markdown_table(header, rows)


def differences_table(counts: Counts, emulated: Counts, seeds: tuple[int, ...]) -> str:
    """Return in how many runs library and script's arithmetic agree, and all other runs."""
    pairs = [
        (name, seed, *both)
        for name in counts
        for seed, *both in zip(seeds, counts[name], emulated[name], strict=True)
    ]
    others = [pair for pair in pairs if pair[2] != pair[3]]
    same = (
        "The library has as many samples right as the script's arithmetic in "
        f"{len(pairs) - len(others)} of {count(len(pairs), 'run')}"
    )
    if not others:
        return f"{same}.\n"
    return f"{same}; these differ:\n\n" + markdown_table(
        ["Model", "Seed", "Correct, library", "Correct, script's arithmetic"],
        [list(pair) for pair in others],
    )


def main() -> None:
    """Read the runs, and write the tables."""
    params = load_params()
    for name in params.models:
        if name.partition("-")[2] not in PUBLISHED_ACCURACY:
            known = ", ".join(PUBLISHED_ACCURACY)
            raise InputError(f"params.yaml: models.{name}: expected <variant>- and one of {known}")
    runs = read_runs(params, load_dataset(Path("../../data/dataset.npz")))
    of_one_run = runs.predictions[runs.predictions["seed"] == params.seeds[0]]
    samples, test_samples = (
        int((of_one_run["split"] == split).sum()) // len(params.models) for split in ("val", "test")
    )
    counts = training_counts(params, runs, samples)
    emulated = read_json(Path("float32/float32.json"))
    with (
        replacing(Path("accuracies/accuracies.json")) as data,
        replacing(Path("accuracies/accuracies.md")) as table,
        replacing(Path("accuracies/float32.md")) as differences,
    ):
        parts = {"train": (counts, samples), "test": (heldout_counts(runs), test_samples)}
        write_json(
            data,
            {
                split: {
                    "samples": number,
                    "correct": correct,
                    "percent": rounded(percent(correct, number)),
                }
                for split, (correct, number) in parts.items()
            },
        )
        write_text(table, accuracies_table(counts, samples))
        write_text(differences, differences_table(counts, emulated, params.seeds))


if __name__ == "__main__":
    main()
