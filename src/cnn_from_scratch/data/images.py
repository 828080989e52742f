"""A folder of pictures: one folder for each class, with PNG or JPEG files in it."""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cnn_from_scratch import InputError
from cnn_from_scratch.checks import AT_LEAST_1, Checked
from cnn_from_scratch.data.class_names import class_order, is_class_name
from cnn_from_scratch.experiment.dataset import Dataset, Images, Labels

SUFFIXES = (".png", ".jpg", ".jpeg")
LARGEST_PICTURE = 50_000_000  # pixels; four bytes each, and a copy or two, fit into memory
MODES = {"gray": "L", "rgb": "RGB"}  # what Pillow calls them
_CLUTTER = ("thumbs.db", "desktop.ini")  # of Windows; other systems begin such names with a dot


@dataclass(frozen=True)
class ImageFolder(Checked):
    """`convert.source` named images.

    path: the folder. height, width: of the samples, in pixels; pictures are resized to it.
    mode: gray or rgb. train, test: the folders in `path` that hold the class folders; train null:
    `path` itself holds them; test null: no test samples. invert: make dark light, as ink on paper.
    """

    path: str
    height: Annotated[int, AT_LEAST_1]
    width: Annotated[int, AT_LEAST_1]
    mode: Literal["gray", "rgb"]
    train: str | None = None
    test: str | None = None
    invert: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("train", "test"):
            name = getattr(self, key)
            if name is not None and (name in ("", ".", "..") or "/" in name or "\\" in name):
                raise ValueError(f"{key}: expected the name of a folder in path, got {name!r}")
        if self.test is not None and self.test == self.train:
            raise ValueError(f"test: expected another folder than {self.train!r}")

    def read(self) -> Dataset:
        """Return the samples: X (N, C, H, W) uint8, classes called as their folders.

        Classes are in the order of `class_order`, and each one's pictures in that of their names.
        Raises InputError, naming the folder or file, if there is anything but such folders and
        readable pictures, fewer than two classes, an empty one, or a test class that is not
        trained on.
        """
        top = Path(self.path)
        folder = top if self.train is None else top / self.train
        classes = _class_folders(folder, apart=None if self.train else self.test)
        if len(classes) < 2:
            raise InputError(
                f"{folder}: expected at least 2 folders, one for each class, found {len(classes)}"
            )
        names = class_order(classes)
        samples = self._read(folder, names, names)
        if self.test is None:
            return Dataset(*samples, names, scale=255.0)
        folder = top / self.test
        tested = class_order(_class_folders(folder, apart=None))
        for name in tested:
            if name not in names:
                raise InputError(
                    f"{folder / name}: expected one of the classes to train on, {', '.join(names)}"
                )
        return Dataset(*samples, names, *self._read(folder, tested, names), scale=255.0)

    def _read(
        self, folder: Path, classes: Sequence[str], names: Sequence[str]
    ) -> tuple[Images, Labels]:
        """Return the pictures of some classes, one at a time in memory, and class indices."""
        files = [(names.index(name), file) for name in classes for file in pictures(folder / name)]
        if not files:
            raise InputError(f"{folder}: expected folders with pictures, found none")
        channels = len(MODES[self.mode])
        images = np.empty((len(files), channels, self.height, self.width), dtype=np.uint8)
        for image, (_, file) in zip(images, files, strict=True):
            picture = read_picture(file, self.mode)
            # A box is the average over a pixel's area; where pictures grow, it repeats pixels.
            resized = picture.resize((self.width, self.height), Image.Resampling.BOX)
            image[:] = np.moveaxis(np.atleast_3d(np.asarray(resized)), -1, 0)
        if self.invert:
            np.subtract(255, images, out=images)
        return images, np.array([label for label, _ in files], dtype=np.int64)


def _class_folders(folder: Path, apart: str | None) -> list[str]:
    """Return the names of the folders in a folder, but for one that is no class."""
    found = []
    for path in _listed(folder):
        if path.name == apart:
            continue
        if path.is_symlink() and path.is_dir():
            raise InputError(
                f"{path}: a link to a folder, whose changes DVC would not see; copy it"
            )
        if not path.is_dir():
            raise InputError(f"{path}: expected only folders in {folder}, one for each class")
        found.append(path.name)
    return found


def pictures(folder: Path) -> list[Path]:
    """Return the pictures in a folder, in the order of their names. Raises InputError."""
    found = sorted(_listed(folder), key=lambda path: path.name)
    for path in found:
        if path.is_dir():
            raise InputError(
                f"{path}: expected pictures in {folder}, found a folder; if that is no class,"
                " convert.source.train and convert.source.test name the folders that hold the"
                " class folders"
            )
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            raise InputError(f"{path}: expected a picture, {', '.join(SUFFIXES)}")
    if not found:
        raise InputError(f"{folder}: expected pictures of the class, found none")
    return found


def _listed(folder: Path) -> list[Path]:
    """Return what is in a folder, without hidden files and those of DVC and Windows."""
    try:
        listed = list(folder.iterdir())
    except FileNotFoundError as error:
        raise InputError(f"{folder}: not found; expected a folder") from error
    except NotADirectoryError as error:
        raise InputError(f"{folder}: expected a folder, found a file") from error
    paths = [
        path
        for path in listed
        if not path.name.startswith(".")
        and path.suffix != ".dvc"
        and path.name.lower() not in _CLUTTER
    ]
    for path in paths:
        if not is_class_name(path.name):
            raise InputError(f"{folder}: expected names of printable text, found {path.name!a}")
    return paths


def read_picture(file: Path, mode: Literal["gray", "rgb"]) -> Image.Image:
    """Return a picture as it is meant to be seen, in 8 bits per channel.

    An EXIF orientation is applied. Of 16 bits the upper 8 count. Colour profiles are ignored. Gray
    is made of colours by the weights of ITU-R BT.601. Raises InputError, naming the file, if it is
    no PNG or JPEG, is damaged, animated, CMYK, in part transparent, or too large.
    """
    # From memory: of a file, Pillow would ask for as many bytes as a damaged length claims.
    content = io.BytesIO(file.read_bytes())
    with _one_line_errors(file), Image.open(content, formats=("PNG", "JPEG")) as picture:
        if picture.width * picture.height > LARGEST_PICTURE:
            raise InputError(
                f"{file}: expected at most {LARGEST_PICTURE} pixels, found"
                f" {picture.width}x{picture.height}"
            )
        if picture.format == "PNG" and getattr(picture, "is_animated", False):
            raise InputError(f"{file}: expected one picture, found an animation")
        if picture.mode == "CMYK":
            raise InputError(f"{file}: expected gray or RGB, found CMYK; save it anew as RGB")
        upright = ImageOps.exif_transpose(picture)
        return _opaque(file, _of_8_bits(upright)).convert(MODES[mode])


def _of_8_bits(picture: Image.Image) -> Image.Image:
    if not picture.mode.startswith("I"):
        return picture
    return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))


def _opaque(file: Path, picture: Image.Image) -> Image.Image:
    """Return the picture without transparency, which none of its pixels may have."""
    if not picture.has_transparency_data:
        return picture
    picture = picture.convert("RGBA")
    if picture.getchannel("A").getextrema() != (255, 255):
        raise InputError(f"{file}: expected no transparent pixels; save it anew with a background")
    return picture.convert("RGB")


@contextmanager
def _one_line_errors(file: Path) -> Iterator[None]:
    """Raise InputError for whatever is wrong with a picture, also if Pillow only warns of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    except (InputError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{file}: expected a PNG or JPEG picture, found none") from error
    except Exception as error:  # a damaged file can fail anywhere in Pillow and its libraries
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{file}: cannot read the picture: {reason}") from error
