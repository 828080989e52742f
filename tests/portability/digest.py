"""Train each model of the study, and print the digests of what comes out, as JSON.

Runs on a bare machine: it needs NumPy, msgspec and ruamel.yaml, and nothing else of the project's,
but with `--backend compiled` Numba as well.
The committed digests are made by

    python tests/portability/digest.py data/dataset.npz 300 10 > tests/portability/digests.json
"""

import argparse
import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from cnn_from_scratch.experiment.backends import backend_for
from cnn_from_scratch.experiment.dataset import Dataset, load_dataset
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.models import Model, resolve_models
from cnn_from_scratch.experiment.params import Augmentation, Params, Split, Train, load_params
from cnn_from_scratch.experiment.records import record_files
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.nn import numerics
from cnn_from_scratch.nn.architectures import LeNet, Stack, VGGSmall
from cnn_from_scratch.nn.layers import AvgPool2D, BatchNorm, Conv2D, Dense, Dropout, Flatten, Tanh
from cnn_from_scratch.nn.optimizers import AdamW
from cnn_from_scratch.nn.schedules import Cosine

SEED = 0
OPERATIONS = ("matmul", "sum", "exp", "log", "tanh", "sin", "cos")
UNUSED = ("tanh", "sin", "cos")  # that no model of the study calls

# What else the library can do and the study does not, all at once.
OTHER_LAYERS = (
    Conv2D(4, 3, stride=2, padding=2, weight_init="he"),
    BatchNorm(),
    Tanh(),
    AvgPool2D(2, stride=1),
    Flatten(),
    Dropout(0.2),
    Dense(3, weight_init="xavier_uniform"),
)
OTHER_MODEL = Model(Stack(OTHER_LAYERS), AdamW(), Cosine(warmup_epochs=3))
OTHER_TRAINING = Train(300, batch_size=16, augment=Augmentation(shift=1, rotation=20.0, noise=0.1))

# Larger networks, on small images: RGB of bytes, and gray ones of float32.
IMAGE_TRAINING = Train(
    2, batch_size=8, augment=Augmentation(shift=1, rotation=20.0, flip=True), standardize=True
)
IMAGE_MODELS = {
    "lenet, float32": (Model(LeNet(3, 3), AdamW(), name="lenet"), (1, 8, 8), np.float32),
    "vgg_small, uint8": (Model(VGGSmall(4), AdamW(), name="vgg_small"), (3, 8, 9), np.uint8),
}


def image_dataset(in_shape: tuple[int, ...], dtype: type) -> Dataset:
    """Return 30 images of noise, of three classes."""
    pixels = np.random.RandomState(SEED).randint(0, 256, (30, *in_shape))
    images = pixels.astype(np.uint8) if dtype is np.uint8 else (pixels / 255.0).astype(dtype)
    scale = 255.0 if dtype is np.uint8 else 1.0
    return Dataset(images, np.arange(30) % 3, ("a", "b", "c"), scale=scale)


def digest(model: Model, dataset: Dataset, split: Split, train: Train) -> str:
    """Train a model, and return the SHA-256 of its record, file by file, to the byte."""
    files = record_files(
        train_run(model, SEED, dataset, split, train),
        model="",
        seed=SEED,
        optimizer=model.optimizer,
        epochs=train.epochs,
        protocol=split.protocol,
        trained_from=trained_from(model, split, train, SEED, dataset),
    )
    digests = hashlib.sha256()
    for name, content in sorted(files.items()):
        digests.update(name.encode() + content)
    return digests.hexdigest()


def digests(params: Params, dataset: Dataset, epochs: int) -> dict[str, str]:
    """Return each model's digest, the other model's, and those of operations called by no model.

    One product is of a size that a BLAS shares out among its threads.
    """
    runs = {name: (model, params.train) for name, model in resolve_models(params).items()}
    split = params.models["S-SGD"].split  # and of all others
    other = replace(OTHER_TRAINING, numerics=params.train.numerics, backend=params.train.backend)
    runs["other"] = (OTHER_MODEL, other)
    of_runs = {
        name: digest(model, dataset, split, replace(train, epochs=epochs))
        for name, (model, train) in runs.items()
    }
    of_images = replace(
        IMAGE_TRAINING, numerics=params.train.numerics, backend=params.train.backend
    )
    for name, (model, in_shape, dtype) in IMAGE_MODELS.items():
        of_runs[name] = digest(model, image_dataset(in_shape, dtype), split, of_images)
    rng = np.random.RandomState(SEED)
    x, a, b = (rng.uniform(-np.pi, np.pi, shape) for shape in (10_000, (300, 5000), (5000, 200)))
    with numerics.using(backend_for(params.train).numerics):
        values = {name: getattr(numerics, name)(x) for name in UNUSED}
        values["large product"] = numerics.matmul(numerics.factor(a), numerics.factor(b))
    of_values = {
        name: hashlib.sha256(value.tobytes()).hexdigest() for name, value in values.items()
    }
    return of_runs | of_values


def main() -> None:
    """Print {epochs: {name: digest}}."""
    parser = argparse.ArgumentParser(description="Print the digests of the study's models.")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("epochs", type=int, nargs="+")
    parser.add_argument("--native", choices=OPERATIONS, help="leave one operation to the machine")
    parser.add_argument("--backend", choices=["numpy", "compiled"], default="numpy")
    parser.add_argument("--share", action="store_true", help="all compiled loops among threads")
    args = parser.parse_args()
    if args.native is not None:
        names = ("factor", "matmul") if args.native == "matmul" else (args.native,)
        native = {name: vars(numerics.Numerics)[name] for name in names}
        numerics.NUMERICS["portable"] = type("Mixed", (numerics.Portable,), native)()
    if args.share:
        from cnn_from_scratch.compiled import kernel

        kernel.PARALLEL_FROM = 0
    params = load_params(ROOT / "params.yaml")
    params = replace(params, train=replace(params.train, backend=args.backend))
    dataset = load_dataset(args.dataset)
    print(json.dumps({n: digests(params, dataset, n) for n in args.epochs}, indent=2))


if __name__ == "__main__":
    main()
