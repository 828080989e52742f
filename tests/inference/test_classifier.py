"""One network or an ensemble, from what lies in runs/."""

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.experiment.trained import trained_bytes
from cnn_from_scratch.inference.answers import answers
from cnn_from_scratch.inference.classifier import load
from tests.experiment.studies import HOLDOUT, SIMPLE, stripes
from tests.inference.conftest import DATASET


def test_a_run_a_file_and_a_model(model_folder: Path, tmp_path: Path) -> None:
    first, second = (load(model_folder / seed) for seed in ("2", "10"))
    handed_on = tmp_path / "mine.npz"
    handed_on.write_bytes((model_folder / "2/checkpoint.npz").read_bytes())
    x = DATASET.X[:7]
    np.testing.assert_array_equal(load(handed_on).probabilities(x), first.probabilities(x))
    both = load(model_folder)
    assert len(both.networks) == 2
    np.testing.assert_array_equal(  # in the order of the seeds, as numbers
        both.networks[1].network.theta, second.networks[0].network.theta
    )
    mean = (first.probabilities(x) + second.probabilities(x)) / 2
    np.testing.assert_allclose(both.probabilities(x), mean, rtol=1e-15)
    assert both.class_names == ("bar", "pole", "dot")


def test_how_many_agree(model_folder: Path) -> None:
    both = load(model_folder)
    x = np.random.RandomState(0).random_sample((200, 1, 6, 6))
    classes = both.probabilities(x).argmax(axis=1)
    alone = [load(model_folder / seed).probabilities(x).argmax(axis=1) for seed in ("2", "10")]
    expected = (alone[0] == classes).astype(int) + (alone[1] == classes)
    np.testing.assert_array_equal(both.agreeing(x, classes), expected)
    assert set(expected) >= {1, 2}


def test_what_is_not_there_is_one_line(model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: not found; expected a run's or a model's"):
        load(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"expected a run's folder, with a checkpoint.npz, or a"):
        load(tmp_path)
    with pytest.raises(InputError, match=r"SHA256SUMS: expected a trained network"):
        load(model_folder / "2/SHA256SUMS")


def test_a_damaged_record_is_one_line(model_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "Small"
    copytree(model_folder, copy)
    file = copy / "10/checkpoint.npz"
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"10.checkpoint.npz: damaged"):
        load(copy)


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (stripes(), "class_names"),
        (Dataset(stripes(shape=(1, 8, 8)).X, DATASET.y[:24], DATASET.class_names), "in_shape"),
        (
            Dataset(
                (DATASET.X * 255).astype(np.uint8), DATASET.y, DATASET.class_names, scale=255.0
            ),
            "preparation.scale",
        ),
    ],
)
def test_networks_of_different_models_do_not_mix(
    other: Dataset, what: str, model_folder: Path, tmp_path: Path
) -> None:
    copytree(model_folder / "2", tmp_path / "mixed/0")
    run = train_run(SIMPLE, 0, other, HOLDOUT, Train(1, None))
    (tmp_path / "mixed/1").mkdir()
    content = trained_bytes(run.description, run.checkpoint)
    (tmp_path / "mixed/1/checkpoint.npz").write_bytes(content)
    with pytest.raises(InputError, match=f"expected networks of one model, found {what} "):
        load(tmp_path / "mixed")


def test_a_network_that_has_diverged_gives_no_answer(model_folder: Path) -> None:
    classifier = load(model_folder / "2")
    classifier.networks[0].network.theta[:] = np.nan
    with pytest.raises(InputError, match="expected probabilities, the network gives NaN"):
        answers(classifier, ["a sample"], DATASET.X[:1])
