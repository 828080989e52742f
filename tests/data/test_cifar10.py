"""CIFAR-10's binary version: what is read of it, and what is said if it is not as it should be."""

import gzip
import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.data.cifar10 import Cifar10
from tests.cifar10_files import (
    FOLDER,
    NAMES,
    RECORD,
    batches,
    member,
    tar_bytes,
    write_archive,
    write_folder,
)

CONTENTS = batches()


def refusal(path: Path, **keys: dict[str, str]) -> str:
    """Return the one line that is said, without the path."""
    with pytest.raises(InputError) as error:
        Cifar10(str(path), **keys).read()
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith((str(path), "params.yaml: "))
    return text.removeprefix(str(path))


WAYS: dict[str, Callable[[Path], Path]] = {
    "folder": lambda path: write_folder(path, CONTENTS),
    "folder around it": lambda path: write_folder(path / FOLDER, CONTENTS).parent,
    "archive": lambda path: write_archive(path, CONTENTS),
    "archive, not compressed": lambda path: (path.write_bytes(tar_bytes(CONTENTS)), path)[1],
}


@pytest.mark.parametrize("write", WAYS.values(), ids=WAYS)
def test_channels_rows_and_columns(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    dataset = Cifar10(str(write(tmp_path / "data"))).read()
    assert dataset.X.shape == (50, 3, 32, 32)
    assert dataset.X.dtype == np.uint8
    assert dataset.scale == 255
    assert dataset.y.tolist() == [*range(10)] * 5
    assert dataset.class_names[0] == "airplane"
    assert dataset.class_names[9] == "truck"
    third = CONTENTS["data_batch_3.bin"]
    for channel, row, column in np.ndindex(3, 32, 32):
        expected = third[7 * RECORD + 1 + channel * 1024 + row * 32 + column]
        assert dataset.X[27, channel, row, column] == expected
    assert dataset.X_test is not None
    assert dataset.X_test.tobytes()[:3072] == CONTENTS["test_batch.bin"][1:RECORD]


def test_batches_may_have_any_number_of_records(tmp_path: Path) -> None:
    contents = CONTENTS | {"data_batch_2.bin": CONTENTS["data_batch_2.bin"][: 3 * RECORD]}
    dataset = Cifar10(str(write_folder(tmp_path, contents))).read()
    assert dataset.y.tolist() == [*range(10), 0, 1, 2, *[*range(10)] * 3]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ", byte 0: expected a record of 3073 bytes, found 0"),
        (bytes(2 * RECORD + 5), ", byte 6146: expected a record of 3073 bytes, found 5"),
        (bytes(RECORD) + b"\x0a" + bytes(RECORD - 1), ", byte 3073: expected a label from 0 to 9"),
    ],
)
def test_damaged_batches(tmp_path: Path, content: bytes, expected: str) -> None:
    contents = CONTENTS | {"test_batch.bin": content}
    folder = write_folder(tmp_path / "folder", contents)
    assert refusal(folder).startswith(f"/test_batch.bin{expected}")
    archive = write_archive(tmp_path / "archive.tar.gz", contents)
    assert refusal(archive).startswith(f", {FOLDER}/test_batch.bin{expected}")


@pytest.mark.parametrize("name", NAMES)
def test_every_batch_is_needed(tmp_path: Path, name: str) -> None:
    contents = {other: content for other, content in CONTENTS.items() if other != name}
    folder = write_folder(tmp_path / "folder", contents)
    assert refusal(folder) == f"/{name}: not found; expected {', '.join(NAMES)}"
    archive = write_archive(tmp_path / "archive.tar.gz", contents)
    assert refusal(archive) == f": expected a member {FOLDER}/{name}, found none"


def test_the_python_version_is_refused(tmp_path: Path) -> None:
    pickled = ": is the Python version of CIFAR-10, which is pickled; expected the binary version"
    name = "cifar-10-batches-py/data_batch_1"
    archive = write_archive(tmp_path / "archive.tar.gz", {}, member(name, b"pickle"))
    assert refusal(archive).startswith(pickled)
    (tmp_path / "cifar-10-batches-py").mkdir()
    assert refusal(tmp_path).startswith(pickled)
    (tmp_path / name).write_bytes(b"pickle")
    assert refusal(tmp_path / "cifar-10-batches-py").startswith(pickled)


def test_members_that_climb_out_links_and_devices_go_unread(tmp_path: Path) -> None:
    outside = f"{FOLDER}/../../test_batch.bin"
    more = [
        member(outside, b"x"),
        member("/test_batch.bin", b"x"),
        member("link", kind=tarfile.SYMTYPE),
        member("device", kind=tarfile.CHRTYPE),
        member("pipe", kind=tarfile.FIFOTYPE),
        member(f"{FOLDER}/readme.html", b"x"),
    ]
    archive = write_archive(tmp_path / "in" / "archive.tar.gz", CONTENTS, *more)
    assert Cifar10(str(archive)).read().X.shape == (50, 3, 32, 32)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["archive.tar.gz", "in"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_batch_is_a_plain_file(tmp_path: Path, kind: bytes) -> None:
    contents = {name: CONTENTS[name] for name in NAMES[:-1]}
    batch = member(f"{FOLDER}/test_batch.bin", kind=kind)
    archive = write_archive(tmp_path / "archive.tar.gz", contents, batch)
    assert refusal(archive) == f", {FOLDER}/test_batch.bin: expected a plain file"


def test_a_batch_comes_once(tmp_path: Path) -> None:
    again = member(f"{FOLDER}/test_batch.bin", CONTENTS["test_batch.bin"])
    archive = write_archive(tmp_path / "archive.tar.gz", CONTENTS, again)
    assert refusal(archive) == f", {FOLDER}/test_batch.bin: expected it once, found it twice"


@pytest.mark.parametrize(
    "change",
    [
        lambda packed: packed[:-20],
        lambda packed: packed[:-8] + bytes(8),
        lambda packed: packed + b"more",
        lambda packed: packed[:1000],
    ],
)
def test_a_damaged_archive(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    archive = write_archive(tmp_path / "archive.tar.gz", CONTENTS)
    archive.write_bytes(change(archive.read_bytes()))
    assert ": cannot be read on from byte " in refusal(archive)


@pytest.mark.parametrize("content", [b"", b"no archive" * 100, gzip.compress(b"text" * 1000)])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "archive.tar.gz"
    file.write_bytes(content)
    assert ": expected a .tar.gz, cannot go on: " in refusal(file)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere") == ": No such file or directory"


def test_an_archive_that_unpacks_to_more_than_any_official_one(tmp_path: Path) -> None:
    bomb = gzip.compress(member("bomb", bytes(2**24))) + gzip.compress(bytes(2**24)) * 1000
    file = tmp_path / "archive.tar.gz"
    file.write_bytes(bomb)  # 16 GB
    assert refusal(file).endswith(": expected at most 268435456 bytes, found more")


def test_a_member_that_claims_to_be_larger_than_any_file(tmp_path: Path) -> None:
    header = bytearray(member("huge"))
    header[124:136] = b"\x80" + b"\xff" * 11  # its size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    archive = write_archive(tmp_path / "archive.tar.gz", {}, bytes(header))
    assert refusal(archive) == ", 'huge': expected at most 268435456 bytes"


def test_a_checksum_is_demanded(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive.tar.gz", CONTENTS)
    found = hashlib.md5(archive.read_bytes(), usedforsecurity=False).hexdigest()
    assert refusal(archive, md5={archive.name: "0" * 32}) == (
        f": expected the MD5 {'0' * 32} (convert.source.md5), found {found}"
    )
    Cifar10(str(archive), md5={archive.name: found}).read()
    folder = write_folder(tmp_path / "folder", CONTENTS)
    assert refusal(folder, md5={archive.name: found}).startswith(
        "params.yaml: convert.source.md5: expected names of files that are read, data_batch_1.bin"
    )
