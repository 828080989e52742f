"""IDX files, in which MNIST and the sets of its family come, gzip-compressed or not.

A file begins with two bytes 0, a byte for the type of its values, a byte for the number of axes,
and the length of each axis in 4 bytes. Then come the values, the last axis first. Numbers have
their highest byte first. Images are in one file, their labels in another.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", file formats.
"""

from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.checks import POSITIVE, Checked
from cnn_from_scratch.data.checksums import check_md5
from cnn_from_scratch.data.unpacking import Unpacked, unpacking
from cnn_from_scratch.experiment.dataset import Dataset, Images, Labels

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_IMAGES = {0x08: "unsigned bytes", 0x0D: "floats", 0x0E: "doubles"}
_LABELS = {0x08: "unsigned bytes", 0x09: "signed bytes", 0x0B: "shorts", 0x0C: "ints"}
_LIMIT = 2**30  # bytes of a file
_SHOWN = 20  # labels in a message
_WORD = 4  # bytes of a number in the header


@dataclass(frozen=True)
class Idx(Checked):
    """`convert.source` named idx.

    path: the folder. images, labels, test_images, test_labels: names of the files in it, with or
        without .gz; the last two None: no test samples.
    pixel_max: the value of a full pixel; None: 255 in files of bytes, 1 in those of floats.
    class_names: of the labels that occur, from the smallest; None: the labels themselves.
    md5: what the files must have, by their full names.
    """

    path: str
    images: str = "train-images-idx3-ubyte"
    labels: str = "train-labels-idx1-ubyte"
    test_images: str | None = "t10k-images-idx3-ubyte"
    test_labels: str | None = "t10k-labels-idx1-ubyte"
    pixel_max: Annotated[float | None, POSITIVE] = None
    class_names: tuple[str, ...] | None = None
    md5: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.test_images is None) != (self.test_labels is None):
            raise ValueError("test_labels: expected null if test_images is, and a name otherwise")
        for key in ("images", "labels", "test_images", "test_labels"):
            name = getattr(self, key)
            if name is not None and (not name or Path(name).name != name):
                raise ValueError(f"{key}: expected the name of a file in path, got {name!r}")

    def read(self) -> Dataset:
        """Return the samples: X (N, C, H, W) of the files' type, with the scale pixel_max.

        Three axes of an image file are N, H, W, and four N, C, H, W.

        Raises InputError, naming file and byte, if a file is missing, damaged, or longer or shorter
        than its header says, a pixel is above pixel_max, images and labels differ in number, or
        labels do not fit the class names, or are of test samples alone.
        """
        trained = [self._find("images"), self._find("labels")]
        tested = []
        if self.test_images is not None:
            tested = [self._find("test_images"), self._find("test_labels")]
        check_md5([*trained, *tested], self.md5)
        images, labels = _read_pair(self.pixel_max, *trained)
        classes = np.unique(labels.values)
        names = self._names(labels, classes)
        y = _indices(labels, classes)
        scale = _full(images, self.pixel_max)
        if not tested:
            return Dataset(images, y, names, scale=scale)
        test_images, test_labels = _read_pair(self.pixel_max, *tested)
        return Dataset(images, y, names, test_images, _indices(test_labels, classes), scale)

    def _find(self, key: str) -> Path:
        """Return the file that a key names."""
        file = Path(self.path, getattr(self, key))
        found = [path for path in (file, file.with_name(f"{file.name}.gz")) if path.exists()]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"{file}: expected it with or without .gz, found both; remove one")
        none = "; null means no test samples" if key.startswith("test") else ""
        raise InputError(f"{file}: not found, nor with .gz (convert.source.{key}{none})")

    def _names(self, labels: "_Values", classes: Labels) -> tuple[str, ...]:
        """Return what the classes are called, from the smallest label."""
        numbers = [str(label) for label in classes]
        if self.class_names is None:
            return tuple(numbers)
        if len(self.class_names) != len(numbers):
            shown = numbers if len(numbers) <= _SHOWN else [*numbers[:_SHOWN], "..."]
            raise InputError(
                f"{labels.where(labels.values == classes[-1])}: the largest label is {numbers[-1]};"
                f" expected {len(self.class_names)} different ones (convert.source.class_names),"
                f" found {len(numbers)}: {', '.join(shown)}"
            )
        return self.class_names


@dataclass(frozen=True)
class _Values:
    """The values of a file, and where they begin in it."""

    file: Path
    start: int
    values: np.ndarray[Any, Any]

    def where(self, wrong: np.ndarray[Any, Any]) -> str:
        """Return the file and the byte of the first value that is marked."""
        return f"{self.file}, byte {self.start + int(np.argmax(wrong)) * self.values.itemsize}"


def _full(images: Images, pixel_max: float | None) -> float:
    """Return the value of a full pixel."""
    return pixel_max or (255.0 if images.dtype == np.uint8 else 1.0)


def _read_pair(
    pixel_max: float | None, images_file: Path, labels_file: Path
) -> tuple[Images, _Values]:
    """Return images (N, C, H, W), and the numbers that are their labels (N,)."""
    pixels, _ = read_images(images_file, pixel_max)
    labels = _read(labels_file, _LABELS, (1,))
    if len(labels.values) != len(pixels):
        raise InputError(
            f"{labels_file}: expected {len(pixels)} labels, as {images_file} has images,"
            f" found {len(labels.values)}"
        )
    return pixels, labels


def read_images(file: Path, pixel_max: float | None = None) -> tuple[Images, float]:
    """Return images (N, C, H, W) of the file's type, and the value of a full pixel.

    Raises InputError, as `Idx.read` does.
    """
    images = _read(file, _IMAGES, (3, 4))
    pixels = images.values
    full = _full(pixels, pixel_max)
    if not (pixels.min() >= 0 and pixels.max() <= full):  # NaN, too, is not
        wrong = ~((pixels >= 0) & (pixels <= full))
        raise InputError(
            f"{images.where(wrong)}: expected a number from 0 to {full:g}"
            f" (convert.source.pixel_max), found {pixels[wrong][0]}"
        )
    return pixels if pixels.ndim == 4 else pixels[:, None], full


def _indices(labels: _Values, classes: Labels) -> Labels:
    """Return the classes' indices of labels."""
    if (wrong := ~np.isin(labels.values, classes)).any():
        raise InputError(
            f"{labels.where(wrong)}: expected a label that samples to train on have,"
            f" found {labels.values[wrong][0]}"
        )
    return np.searchsorted(classes, labels.values)


def _read(file: Path, types: dict[int, str], axes: tuple[int, ...]) -> _Values:
    """Return the array of a file, in this machine's order of bytes.

    types: the codes that are expected, and what they are called. axes: the numbers of axes.
    """
    with unpacking(file, _LIMIT) as content:
        dtype, lengths = _read_header(content, types, axes)
        start, size = content.offset, prod(lengths) * dtype.itemsize
        values = content.read(size + 1)
    if len(values) != size:
        raise InputError(
            f"{file}: expected {start + size} bytes, as its header says,"
            f" {' x '.join(map(str, lengths))} {dtype.name},"
            f" found {'more' if len(values) > size else start + len(values)}"
        )
    array = np.frombuffer(values, dtype).reshape(lengths)
    return _Values(file, start, array.astype(dtype.newbyteorder("="), copy=False))


def _read_header(
    content: Unpacked, types: dict[int, str], axes: tuple[int, ...]
) -> tuple[np.dtype[Any], list[int]]:
    """Return the type of the values, and the length of each axis."""
    file, magic = content.file, content.read(_WORD)
    if len(magic) < _WORD or magic[:2] != bytes(2) or magic[2] not in _TYPES:
        raise InputError(f"{file}: expected an IDX file, found one that begins {magic.hex(' ')}")
    if magic[2] not in types or magic[3] not in axes:
        kinds = " or ".join(f"{code:#04x} ({name})" for code, name in types.items())
        raise InputError(
            f"{file}, byte 2: expected the type {kinds} and {' or '.join(map(str, axes))} axes,"
            f" found {magic[2]:#04x} and {magic[3]}"
        )
    words = content.read(_WORD * magic[3])
    if len(words) < _WORD * magic[3]:
        raise InputError(f"{file}: expected {magic[3]} lengths of axes, found the end")
    dtype, lengths = np.dtype(_TYPES[magic[2]]), np.frombuffer(words, ">u4").tolist()
    size = prod(lengths) * dtype.itemsize
    if not 0 < size <= _LIMIT - content.offset:
        raise InputError(
            f"{file}, byte {_WORD}: expected axes that make 1 to {_LIMIT} bytes,"
            f" found {' x '.join(map(str, lengths))}"
        )
    return dtype, lengths
