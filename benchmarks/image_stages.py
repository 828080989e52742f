"""Whole train stages on images of real sizes, beside PyTorch: start to end, and the most memory.

Both train by minibatches, in float32, and score training and validation samples after each epoch.
The images are noise, stored as the bytes of real ones: what is computed takes the same time.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Shape
from cnn_from_scratch.experiment.dataset import Dataset, Images, save_dataset
from digit_stages import MIB, measure
from side_by_side import CORES
from targets import COMPILED_32, NATIVE_32, TORCH
from timing import Entry, Table, entry
from workers import threads_set

ROUNDS = 3
VALIDATION = 0.1
BATCH = 64
ADAM = {"name": "adam", "lr": 0.001, "beta1": 0.9, "beta2": 0.999}
OURS = ["stages/train.py", "--model", "M", "--seed", "0", "--out", "record"]
COMMANDS = {
    NATIVE_32: OURS,
    COMPILED_32: OURS,
    TORCH: ["benchmarks/torch_stage.py", "M", "record"],
}


class ImageCase(NamedTuple):
    """What is trained, for one epoch. whole: how many samples the real set has."""

    architecture: str
    shape: Shape
    samples: int
    tests: int
    whole: int

    def named(self, threads: int) -> str:
        """Return the name that the tables show."""
        images = f"{self.samples:,} of {'x'.join(map(str, self.shape))}"
        return f"{self.architecture}, {images}, one epoch, {threads} thread{'s' * (threads > 1)}"


CASES = (
    ImageCase("lenet", (1, 28, 28), 60_000, 10_000, whole=60_000),
    ImageCase("vgg_small", (3, 32, 32), 2_000, 500, whole=50_000),
)


def image_stages() -> Table:
    """Return the seconds that each contender's process takes, by network and threads."""
    table = {}
    for case in CASES:
        for threads in (1, 2):
            if threads <= CORES:
                table[case.named(threads)] = _compare(case, threads)
    return table


def _compare(case: ImageCase, threads: int) -> dict[str, Entry]:
    """Time all in turns; each first once untimed, which fills caches."""
    taken: dict[str, list[tuple[float, int]]] = {label: [] for label in COMMANDS}
    with tempfile.TemporaryDirectory() as parent:
        folders = {label: Path(parent, label) for label in COMMANDS}
        for label, folder in folders.items():
            _project(folder, case, "compiled" if label == COMPILED_32 else "numpy")
            _run(folder, label, threads)
        _check([*folders.values()])
        for _ in range(ROUNDS):
            for label, folder in folders.items():
                taken[label].append(_run(folder, label, threads))
    return {label: _entry(case, some) for label, some in taken.items()}


def _run(folder: Path, label: str, threads: int) -> tuple[float, int]:
    """Return the seconds that a contender's process took, and the most bytes that it held."""
    shutil.rmtree(folder / "record", ignore_errors=True)
    with threads_set(threads, ours=label != TORCH):
        return measure(folder, COMMANDS[label])


def _entry(case: ImageCase, taken: list[tuple[float, int]]) -> Entry:
    """Return the seconds; for a part of a set, what all of it would take, the start included."""
    seconds, peaks = zip(*taken, strict=True)
    found = entry("s", seconds, **{"peak, MiB": max(peaks) / MIB})
    if case.samples < case.whole:
        whole = found["median"] * case.whole / case.samples
        found |= {f"s for {case.whole:,} (extrapolated)": whole}
    return found


def _project(folder: Path, case: ImageCase, backend: str) -> None:
    """Make a folder with what a train stage reads."""
    rng = np.random.default_rng(0)

    def images(count: int) -> Images:
        return rng.integers(0, 256, (count, *case.shape), np.uint8)

    dataset = Dataset(
        X=images(case.samples),
        y=np.arange(case.samples) % 10,
        class_names=tuple("0123456789"),
        X_test=images(case.tests),
        y_test=np.arange(case.tests) % 10,
        scale=255.0,
    )
    params = {
        "seeds": [0],
        "split": {"protocol": "holdout", "validation_fraction": VALIDATION},
        "train": {
            "epochs": 1,
            "batch_size": BATCH,
            "numerics": "native",
            "dtype": "float32",
            "backend": backend,
        },
        "models": {"M": {"architecture": {"name": case.architecture}, "optimizer": ADAM}},
    }
    (folder / "data").mkdir(parents=True)
    save_dataset(folder / "data/dataset.npz", dataset)
    (folder / "params.yaml").write_text(json.dumps(params))  # which is YAML, too


def _check(folders: list[Path]) -> None:
    """Make sure that all begin with the same scores, and end with as many epochs."""
    histories = [np.genfromtxt(f / "record/history.csv", delimiter=",")[1:] for f in folders]
    for history in histories[1:]:
        assert len(history) == len(histories[0])
        np.testing.assert_allclose(history[0], histories[0][0], rtol=1e-3)
