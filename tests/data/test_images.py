"""Folders of pictures: what is read, how it is made alike, and what is refused in one line."""

import io
import os
import shutil
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnn_from_scratch import InputError
from cnn_from_scratch.data import images
from cnn_from_scratch.data.images import ImageFolder
from cnn_from_scratch.experiment.dataset import Dataset, check_dataset
from tests.data.pictures import noise, save, write_folder


def read(folder: Path, height: int = 4, width: int = 5, **keys: Any) -> Dataset:
    dataset = ImageFolder(str(folder), height, width, **{"mode": "gray", **keys}).read()
    check_dataset(dataset)
    assert dataset.X.dtype == np.uint8
    assert dataset.scale == 255.0
    return dataset


def refusal(folder: Path, **keys: Any) -> str:
    """Return the message with which the folder is refused, after the folder."""
    with pytest.raises(InputError) as caught:
        read(folder, **keys)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(str(folder))
    return message.removeprefix(str(folder))


def only(folder: Path, **keys: Any) -> Any:
    """Return the pixels of the picture `a/0.png` or the like, the first of all."""
    return read(folder, **keys).X[0]


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    dataset = read(write_folder(tmp_path / "mine", ("dog", "cat", "Ape"), samples=3))
    assert dataset.class_names == ("Ape", "cat", "dog")
    assert dataset.y.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for place, seed in ((0, 20), (2, 22), (3, 10), (8, 2)):
        np.testing.assert_array_equal(dataset.X[place, 0], noise(4, 5, seed=seed))
    assert dataset.X_test is None


def test_numbers_are_in_their_order(tmp_path: Path) -> None:
    dataset = read(write_folder(tmp_path / "mine", ("10", "9", "-1"), samples=1))
    assert dataset.class_names == ("-1", "9", "10")


def test_the_order_is_that_of_the_names_whatever_the_system_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "mine", samples=12)
    before, listed = read(folder), Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: sorted(listed(self), reverse=True))
    np.testing.assert_array_equal(read(folder).X, before.X)
    np.testing.assert_array_equal(before.X[2, 0], noise(4, 5, seed=10))  # 0, 1, 10, 11, 2, ...


def test_test_samples_beside_the_classes_or_in_a_folder_of_their_own(tmp_path: Path) -> None:
    beside = write_folder(tmp_path / "beside")
    write_folder(beside / "held out", ("b",), samples=1)
    apart = tmp_path / "apart"
    write_folder(apart / "train")
    write_folder(apart / "held out", ("b",), samples=1)
    for dataset in (
        read(beside, test="held out"),
        read(apart, train="train", test="held out"),
    ):
        assert dataset.class_names == ("a", "b")
        assert len(dataset.X) == 4
        assert dataset.y_test is not None and dataset.y_test.tolist() == [1]
        np.testing.assert_array_equal(dataset.X_test, noise(4, 5, seed=0)[None, None])
    assert read(apart, train="train").X_test is None


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"test": ""}, "test: expected the name of a folder in path, got ''"),
        ({"test": ".."}, "test: expected the name of a folder in path, got '..'"),
        ({"train": "a/b"}, "train: expected the name of a folder in path, got 'a/b'"),
        ({"train": "a\\b"}, "train: expected the name of a folder in path, got"),
        ({"train": "a", "test": "a"}, "test: expected another folder than 'a'"),
        ({"height": 0}, "height: expected a number of at least 1, got 0"),
    ],
)
def test_keys_that_are_wrong(keys: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError) as caught:
        ImageFolder(**{"path": "mine", "height": 4, "width": 5, "mode": "gray", **keys})
    assert str(caught.value).startswith(what)


# ---------------------------------------------------------------- pictures of many kinds

GRAY = noise(4, 5)
RGB = noise(4, 5, 3)


def luma(rgb: Any) -> Any:
    """Return the gray values of colours by ITU-R BT.601, to within half a value of rounding."""
    return rgb @ np.array([0.299, 0.587, 0.114])


KINDS: dict[str, tuple[Any, str]] = {
    "gray": (GRAY, "0.png"),
    "gray with an opaque alpha": (np.dstack([GRAY, np.full((4, 5), 255, np.uint8)]), "0.png"),
    "gray as equal colours": (np.dstack([GRAY] * 3), "0.png"),
    "opaque colours": (np.dstack([GRAY] * 3 + [np.full((4, 5), 255, np.uint8)]), "0.png"),
    "16 bits": (GRAY.astype(np.uint16) * 256 + noise(4, 5, seed=1), "0.png"),
    "another ending": (GRAY, "0.PNG"),
}


@pytest.mark.parametrize(("pixels", "name"), KINDS.values(), ids=KINDS)
def test_kinds_of_gray(pixels: Any, name: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine", ("b", "c"))
    save(folder / "a" / name, pixels)
    np.testing.assert_array_equal(only(folder)[0], GRAY)
    np.testing.assert_array_equal(only(folder, mode="rgb"), np.array([GRAY] * 3))


def test_colours(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine", ("b", "c"))
    save(folder / "a" / "0.png", RGB)
    np.testing.assert_array_equal(only(folder, mode="rgb"), np.moveaxis(RGB, -1, 0))
    np.testing.assert_allclose(only(folder)[0], luma(RGB), atol=0.51)


def test_palettes_and_single_bits(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine", ("b", "c"))
    (folder / "a").mkdir()
    palette = Image.fromarray(RGB).quantize(64)
    palette.save(folder / "a" / "0.png")
    expected = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(only(folder, mode="rgb"), np.moveaxis(expected, -1, 0))
    Image.fromarray(GRAY > 127).save(folder / "a" / "0.png")
    np.testing.assert_array_equal(only(folder)[0], np.where(GRAY > 127, 255, 0))


def test_a_jpeg_is_nearly_the_picture(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine", ("b", "c"))
    smooth = np.add.outer(10 * np.arange(16), 5 * np.arange(16)).astype(np.uint8)
    for name in ("0.jpg", "1.jpeg"):
        save(folder / "a" / name, smooth, quality=95)
    for picture in read(folder, 16, 16).X[:2, 0]:
        np.testing.assert_allclose(picture.astype(int), smooth, atol=4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_turned_back(orientation: int, tmp_path: Path) -> None:
    turns: dict[int, Callable[[Any], Any]] = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.T,
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(a, 2).T,
        8: np.rot90,
    }
    folder = write_folder(tmp_path / "mine", ("b", "c"))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = noise(4, 5) if orientation < 5 else noise(5, 4)
    save(folder / "a" / "0.png", stored, exif=exif)
    np.testing.assert_array_equal(only(folder)[0], turns[orientation](stored))


def test_inverting_makes_ink_of_paper(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    write_folder(folder / "test")
    plain, inverted = read(folder, test="test"), read(folder, test="test", invert=True)
    np.testing.assert_array_equal(inverted.X, 255 - plain.X)
    assert plain.X_test is not None
    np.testing.assert_array_equal(inverted.X_test, 255 - plain.X_test)


def test_shrinking_averages_areas_and_growing_repeats_pixels(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine", ("b", "c"))
    large = noise(8, 12)
    save(folder / "a" / "0.png", large)
    averages = large.reshape(4, 2, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(only(folder, height=4, width=4)[0], averages, atol=1)
    grown = np.kron(large, np.ones((2, 3), np.uint8))
    np.testing.assert_array_equal(only(folder, height=16, width=36)[0], grown)


# ---------------------------------------------------------------- what is ignored or refused


def test_clutter_is_ignored(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    before = read(folder)
    for name in (".DS_Store", ".gitignore", "Thumbs.db", "a.dvc", "desktop.ini"):
        (folder / name).write_bytes(b"x")
        (folder / "a" / name).write_bytes(b"x")
    (folder / ".hidden").mkdir()
    np.testing.assert_array_equal(read(folder).X, before.X)


def test_a_link_to_a_picture_is_followed(tmp_path: Path) -> None:
    """As DVC makes them, if its cache is of such links."""
    folder = write_folder(tmp_path / "mine")
    before = read(folder)
    (folder / "a" / "0.png").rename(tmp_path / "elsewhere")
    (folder / "a" / "0.png").symlink_to(tmp_path / "elsewhere")
    np.testing.assert_array_equal(read(folder).X, before.X)


def _animation() -> bytes:
    stream = io.BytesIO()
    frames = [Image.fromarray(noise(4, 5, seed=seed)) for seed in range(3)]
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    return stream.getvalue()


def _bytes(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


PNG = _bytes(Image.fromarray(noise(40, 50)), "PNG")
JPEG = _bytes(Image.fromarray(noise(40, 50)), "JPEG")
HALF = np.dstack([RGB, np.full((4, 5), 128, np.uint8)])

FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "expected a PNG or JPEG picture, found none"),
    "text": (b"hello", "expected a PNG or JPEG picture, found none"),
    "a GIF": (_bytes(Image.fromarray(GRAY), "GIF"), "expected a PNG or JPEG picture, found none"),
    "half a PNG": (PNG[: len(PNG) // 2], "cannot read the picture: "),
    "half a JPEG": (JPEG[: len(JPEG) // 2], "cannot read the picture: "),
    "no pixels": (PNG[:60], "cannot read the picture: "),
    "animated": (_animation(), "expected one picture, found an animation"),
    "CMYK": (_bytes(Image.new("CMYK", (5, 4)), "JPEG"), "expected gray or RGB, found CMYK;"),
    "glass": (_bytes(Image.fromarray(HALF), "PNG"), "expected no transparent pixels; save it anew"),
    "a clear palette": (
        _bytes(Image.fromarray(RGB).quantize(8), "PNG", transparency=0),
        "expected no transparent pixels; save it anew",
    ),
}


@pytest.mark.parametrize(("content", "what"), FILES.values(), ids=FILES)
def test_files_that_are_refused(content: bytes, what: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    (folder / "a" / "1.png").write_bytes(content)
    assert refusal(folder).startswith(f"/a/1.png: {what}")


@pytest.mark.parametrize(("pixels", "fits"), [(20, True), (19, False)])
def test_pictures_have_a_largest_size(
    pixels: int, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "mine")
    monkeypatch.setattr(images, "LARGEST_PICTURE", pixels)
    if fits:
        read(folder)
    else:
        assert refusal(folder) == "/a/0.png: expected at most 19 pixels, found 5x4"


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    bomb = bytearray(PNG)
    bomb[16:24] = (30_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
    (folder / "a" / "1.png").write_bytes(bomb)
    assert refusal(folder).startswith("/a/1.png: cannot read the picture: Image size (900000000")


FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a stray file": (
        lambda folder: (folder / "labels.csv").write_text(""),
        "/labels.csv: expected only folders in ",
    ),
    "another kind of file": (
        lambda folder: (folder / "a" / "notes.txt").write_text(""),
        "/a/notes.txt: expected a picture, .png, .jpg, .jpeg",
    ),
    "an empty class": (
        lambda folder: (folder / "c").mkdir(),
        "/c: expected pictures of the class, found none",
    ),
    "a folder in a class": (
        lambda folder: write_folder(folder / "b"),
        "/b/a: expected pictures in ",
    ),
    "one class": (
        lambda folder: shutil.rmtree(folder / "b"),
        ": expected at least 2 folders, one for each class, found 1",
    ),
    "a link to a folder": (
        lambda folder: (folder / "c").symlink_to(folder / "a"),
        "/c: a link to a folder, whose changes DVC would not see; copy it",
    ),
    "a link to nothing": (
        lambda folder: (folder / "a" / "9.png").symlink_to("nothing"),
        "/a/9.png: expected a picture",
    ),
    "a pipe": (
        lambda folder: os.mkfifo(folder / "a" / "9.png"),
        "/a/9.png: expected a picture",
    ),
    "a name of two lines": (
        lambda folder: (folder / "c\nd").mkdir(),
        r": expected names of printable text, found 'c\nd'",
    ),
}


@pytest.mark.parametrize(("spoil", "what"), FOLDERS.values(), ids=FOLDERS)
def test_folders_that_are_refused(
    spoil: Callable[[Path], object], what: str, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "mine")
    spoil(folder)
    assert refusal(folder).startswith(what)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    Path(os.fsdecode(os.fsencode(folder) + b"/c\xff")).mkdir()
    assert refusal(folder) == r": expected names of printable text, found 'c\udcff'"


def test_a_missing_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path / "mine") == ": not found; expected a folder"
    folder = write_folder(tmp_path / "mine")
    assert refusal(folder, test="test") == "/test: not found; expected a folder"
    assert refusal(folder / "a" / "0.png") == ": expected a folder, found a file"


def test_a_test_class_that_is_not_trained_on(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    write_folder(folder / "test", ("a", "c"))
    assert refusal(folder, test="test") == (
        "/test/c: expected one of the classes to train on, a, b"
    )
