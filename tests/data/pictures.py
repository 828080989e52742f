"""Folders of small pictures, to read and to spoil."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Grays = np.ndarray[Any, np.dtype[np.uint8]]


def noise(*shape: int, seed: int = 0) -> Grays:
    """Return random gray values."""
    return np.random.RandomState(seed).randint(0, 256, shape, dtype=np.uint8)


def save(file: Path, pixels: Any, **options: Any) -> Path:
    """Write an array as a picture of the kind that the file's name says; return its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, **options)
    return file


def write_folder(folder: Path, classes: tuple[str, ...] = ("a", "b"), samples: int = 2) -> Path:
    """Write a folder of each class with gray 4x5 pictures 0.png, 1.png, ...; return its path."""
    for k, name in enumerate(classes):
        for i in range(samples):
            save(folder / name / f"{i}.png", noise(4, 5, seed=10 * k + i))
    return folder
