"""Files of every format, changed at random: each is read right, or refused in one line.

Usage: python -m tests.data.fuzzing FORMAT COUNT. It ends with an exception if anything else
happens, if a file takes longer than SECONDS, or if reading takes more than MEMORY.
"""

import csv
import gzip
import io
import re
import resource
import signal
import sys
import tarfile
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from cnn_from_scratch import InputError
from cnn_from_scratch.data.sources import read_source
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.params import Convert, load_params
from tests.cifar10_files import FOLDER, NAMES, RECORD, batches, tar_bytes
from tests.idx_files import CODES, digits, idx_bytes
from tests.idx_files import NAMES as IDX_NAMES
from tests.workbooks import grays, labels, write_workbook

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10
MEMORY = 2**30  # bytes beyond what the process has when it begins

Random = np.random.RandomState
Files = dict[str, bytes]
Arrays = list[Any]  # X, y, X_test, y_test


@dataclass(frozen=True)
class Format:
    """How to try a format.

    files: right ones, by their names in the folder. change: makes of one of them, by name and
    content, another one. source: `convert.source`, but for the path. path: from the folder.
    right: what an accepted folder holds, read independently.
    """

    files: Files
    change: Callable[[bytes, Random], bytes]
    source: Mapping[str, Any]
    right: Callable[[Files], Arrays]
    path: str = "."


def mutated(content: bytes, rng: Random) -> bytes:
    """Change a few bytes, leave some out, repeat some, or cut the end off, one to four times."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        start = int(rng.randint(0, min(len(found), rng.choice([16, 2**30])) + 1))
        end = start + int(rng.choice([1, 1, 2, 4, 8, 100]))
        kind = rng.randint(0, 7)
        if kind == 0 and start < len(found):
            found[start] ^= 1 << rng.randint(0, 8)
        elif kind == 1:
            found[start:end] = rng.bytes(end - start)
        elif kind == 2:
            found[start:end] = bytes([rng.choice([0, 1, 127, 128, 255])]) * (end - start)
        elif kind == 3:
            del found[start:end]
        elif kind == 4:
            found[start:start] = found[start:end]
        elif kind == 5:
            found[start:start] = rng.bytes(end - start)
        elif rng.randint(0, 2):
            del found[start:]
    return bytes(found)


def mutated_below_gzip(content: bytes, rng: Random) -> bytes:
    """Change what is compressed, and compress it again; or change the compressed bytes."""
    if rng.randint(0, 3) == 0:
        return mutated(content, rng)
    return gzip.compress(mutated(gzip.decompress(content), rng), compresslevel=1, mtime=0)


def mutated_archive(content: bytes, rng: Random) -> bytes:
    """Change an archive, above or below gzip, or in its headers, whose checksums are put right."""
    if rng.randint(0, 2) == 0:
        return mutated_below_gzip(content, rng)
    blocks = bytearray(gzip.decompress(content))
    headers = [i for i in range(0, len(blocks), 512) if blocks[i + 257 : i + 262] == b"ustar"]
    for start in rng.choice(headers, rng.randint(1, 3)).tolist():
        header = blocks[start : start + 512]
        field = FIELDS[rng.randint(0, len(FIELDS))]
        value = VALUES[rng.randint(0, len(VALUES))] or rng.bytes(len(header[field]))
        header[field] = value[: len(header[field])].ljust(len(header[field]), b"\0")
        header[CHECKSUM] = b" " * 8
        header[CHECKSUM] = b"%06o\0 " % sum(header)
        blocks[start : start + 512] = header
    return gzip.compress(bytes(blocks), compresslevel=1, mtime=0)


CHECKSUM = slice(148, 156)
FIELDS = [  # of a header: name, mode, size, type, link's name, magic, device, prefix
    *(slice(0, 100), slice(100, 108), slice(124, 136), slice(124, 136), slice(156, 157)),
    *(slice(157, 257), slice(257, 265), slice(329, 345), slice(345, 500)),
]
VALUES = [
    *(b"", b"", b"0", b"1", b"2", b"5", b"6", b"L", b"K", b"x", b"g", b"S", b"-1", b"77777777777"),
    *(b"\x80" + b"\xff" * 11, b"\xff" * 12, b"\x80" + bytes(11), b"00000006002"),
    *(b"../../test_batch.bin", b"/etc/passwd", f"{FOLDER}/test_batch.bin".encode()),
    *(b"cifar-10-batches-py/data_batch_1", b"\xff\xfe" * 50),
]


def idx_arrays(files: Files) -> Arrays:
    """Return what IDX files hold."""
    images, labels, test_images, test_labels = (
        idx_array(files[name]) for name in IDX_NAMES.values()
    )
    classes = sorted({*labels.tolist()})
    indices = [
        np.array([classes.index(label) for label in y.tolist()]) for y in (labels, test_labels)
    ]
    four = [x if x.ndim == 4 else x[:, None] for x in (images, test_images)]
    return [four[0], indices[0], four[1], indices[1]]


def idx_array(content: bytes) -> np.ndarray[Any, Any]:
    """Return what an IDX file holds."""
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    [kind] = [kind for kind, code in CODES.items() if code == content[2]]
    return np.frombuffer(content[start:], f">{kind}").reshape(shape)


def cifar10_arrays(files: Files) -> Arrays:
    """Return what batches hold."""
    records = [np.frombuffer(files[name], np.uint8).reshape(-1, RECORD) for name in NAMES]
    images = [some[:, 1:].reshape(-1, 3, 32, 32) for some in records]
    labels = [some[:, 0] for some in records]
    return [np.concatenate(images[:5]), np.concatenate(labels[:5]), images[5], labels[5]]


def archive_arrays(files: Files) -> Arrays:
    """Return what the batches of an archive hold."""
    [content] = files.values()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = {name: archive.extractfile(f"{FOLDER}/{name}") for name in NAMES}
        return cifar10_arrays({name: file.read() for name, file in members.items() if file})


def _idx_files() -> Files:
    values = [digits(12, 4, 5), np.arange(12) % 3, digits(6, 4, 5), np.arange(6) % 3]
    plain = [idx_bytes(some.astype(np.uint8)) for some in values]
    plain[2] = gzip.compress(plain[2], mtime=0)  # they need not all be compressed
    plain[1] = gzip.compress(plain[1], mtime=0)
    return dict(zip(IDX_NAMES.values(), plain, strict=True))


def _idx_change(content: bytes, rng: Random) -> bytes:
    change = mutated_below_gzip if content[:2] == b"\x1f\x8b" else mutated
    return change(content, rng)


def picture_arrays(files: Files) -> Arrays:
    """Return what a folder of pictures holds."""
    pixels = [np.asarray(_resized(Image.open(io.BytesIO(files[name])))) for name in sorted(files)]
    classes = [ord(name[0]) - ord("a") for name in sorted(files)]
    return [np.array(pixels)[:, None], np.array(classes), None, None]


def _resized(picture: Image.Image) -> Image.Image:
    return picture.convert("L").resize((5, 4), Image.Resampling.BOX)


def csv_arrays(files: Files) -> Arrays:
    """Return what a CSV file holds."""
    [content] = files.values()
    _, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return _table_arrays([row[0] for row in rows], [row[1:] for row in rows])


def parquet_arrays(files: Files) -> Arrays:
    """Return what a Parquet file holds."""
    [content] = files.values()
    labels, *pixels = pq.read_table(pa.BufferReader(content)).to_pydict().values()
    return _table_arrays(labels, np.transpose(pixels).tolist())


def _table_arrays(labels: list[Any], rows: list[list[Any]]) -> Arrays:
    names = [re.sub(r"^(-?[0-9]+)\.0+$", r"\1", str(label)) for label in labels]
    distinct = set(names)
    whole = all(re.fullmatch("-?[0-9]{1,15}", name) for name in distinct)
    order = sorted(distinct, key=lambda name: (int(name), name) if whole else (0, name))
    pixels = np.array([[float(value) for value in row] for row in rows]).reshape(-1, 1, 2, 2)
    return [pixels, np.array([order.index(name) for name in names]), None, None]


def workbook_arrays(files: Files) -> Arrays:
    """Return what the workbook held: its parts have checksums, so nothing else can be right."""
    return [grays(4)[:, None] / 255, labels(4), grays(4, 1)[:, None] / 255, labels(4)]


def _pictures(kind: str) -> Files:
    found = {}
    for k, name in enumerate(("a/0", "a/1", "b/0", "b/1")):
        stream = io.BytesIO()
        Image.fromarray(digits(1, 16, 12)[0].astype(np.uint8) + np.uint8(k)).save(stream, kind)
        found[f"{name}.{kind}"] = stream.getvalue()
    return found


def mutated_png(content: bytes, rng: Random) -> bytes:
    """Put a part of random content into a PNG, or change it and put most parts' checksums right."""
    if rng.randint(0, 4) == 0:
        part = PARTS[rng.randint(0, len(PARTS))] + rng.bytes(rng.randint(0, 30))
        length, checksum = len(part) - 4, zlib.crc32(part)
        part = length.to_bytes(4, "big") + part + checksum.to_bytes(4, "big")
        return content[:HEADER] + part + content[HEADER:]
    changed = bytearray(mutated(content, rng))
    place = 8
    while rng.randint(0, 8) and place + 12 <= len(changed):
        end = place + 8 + int.from_bytes(changed[place : place + 4], "big")
        changed[end : end + 4] = zlib.crc32(changed[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(changed)


HEADER = 33  # the bytes of a PNG's signature and first part
PARTS = [
    *(b"gAMA", b"tRNS", b"eXIf", b"acTL", b"iCCP", b"pHYs", b"sRGB", b"cHRM", b"tEXt", b"zTXt"),
    *(b"iTXt", b"fcTL", b"PLTE", b"IDAT", b"IEND", b"zzZz", b"ZZZZ", b"bKGD", b"tIME"),
]


def mutated_text(content: bytes, rng: Random) -> bytes:
    """Change a text by what stands in texts of its kind, or anyhow."""
    if rng.randint(0, 4) == 0:
        return mutated(content, rng)
    place, end = sorted(rng.randint(0, len(content) + 1, 2).tolist())
    end = min(end, place + int(rng.choice([0, 1, 3])))
    piece = TEXTS[rng.randint(0, len(TEXTS))]
    return content[:place] + piece + content[end:]


TEXTS = [
    *(b",", b"\n", b"\r", b'"', b"'", b"-", b".", b"0", b"255", b"256", b"1e3", b"nan", b"inf"),
    *(b"label", b"p0", b"NA", b"True", b" ", b"\0", b"\xff", b"\xef\xbb\xbf", b";", b"x", b""),
    *(b"99999999999999999999", b"1_0", b"0x1", b"1\n", b"7,7,7,7,7\n", b"\xc3\xa9", b"#"),
]


def _table(kind: str) -> Files:
    values = np.arange(24).reshape(6, 4)
    columns = {"label": [1, 0, 10, 0, 1, 10]} | {f"p{i}": values[:, i] for i in range(4)}
    table = pa.table(columns)
    stream = io.BytesIO()
    if kind == "csv":
        rows = [",".join(map(str, row.values())) for row in table.to_pylist()]
        return {"mine.csv": "\n".join([",".join(columns), *rows, ""]).encode()}
    pq.write_table(table, stream)
    return {"mine.parquet": stream.getvalue()}


def _workbook() -> Files:
    with tempfile.TemporaryDirectory() as folder:
        file = write_workbook(Path(folder) / "mine.xlsx", samples=4)
        return {"mine.xlsx": file.read_bytes()}


PICTURES = {"name": "images", "height": 4, "width": 5, "mode": "gray"}
TABLE = {"name": "table", "pixel_max": 255}
WORKBOOK = {"name": "workbook", "sheet": "Data", "test_sheet": "Test", "pixel_max": 255}
BATCHES = batches(records=2)
FORMATS = {
    "png": Format(_pictures("png"), mutated_png, PICTURES, picture_arrays),
    "jpeg": Format(_pictures("jpeg"), mutated, PICTURES, picture_arrays),
    "csv": Format(_table("csv"), mutated_text, TABLE, csv_arrays, path="mine.csv"),
    "parquet": Format(_table("parquet"), mutated, TABLE, parquet_arrays, path="mine.parquet"),
    "xlsx": Format(_workbook(), mutated, WORKBOOK, workbook_arrays, path="mine.xlsx"),
    "idx": Format(_idx_files(), _idx_change, {"name": "idx"}, idx_arrays),
    "cifar10": Format(BATCHES, mutated, {"name": "cifar10"}, cifar10_arrays),
    "cifar10 archive": Format(
        {"cifar.tar.gz": gzip.compress(tar_bytes(BATCHES), mtime=0)},
        mutated_archive,
        {"name": "cifar10"},
        archive_arrays,
        path="cifar.tar.gz",
    ),
}


def fuzz(kind: Format, count: int) -> Counter[str]:
    """Read changed files, each time one of them; return how often they were right and refused."""
    found: Counter[str] = Counter()
    params = load_params(ROOT / "params.yaml")
    names = [*kind.files]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        convert = Convert({**kind.source, "path": str(folder / kind.path)})
        for seed in range(count):
            rng = Random(seed)
            one = names[rng.randint(0, len(names))]
            files = kind.files | {one: kind.change(kind.files[one], rng)}
            for file, content in files.items():
                (folder / file).parent.mkdir(exist_ok=True)
                (folder / file).write_bytes(content)
            signal.alarm(SECONDS)  # whose signal ends the process
            try:
                dataset = read_source(replace(params, convert=convert))
            except InputError as error:
                assert len(str(error).splitlines()) == 1, f"seed {seed}: {error!r}"
                found["refused"] += 1
            except Exception as error:
                raise AssertionError(f"seed {seed}: {error!r}") from error
            else:
                check(dataset, kind.right(files), seed)
                found["right"] += 1
    signal.alarm(0)
    return found


def check(dataset: Dataset, right: Arrays, seed: int) -> None:
    """Check a dataset against what was read independently."""
    arrays = (dataset.X, dataset.y, dataset.X_test, dataset.y_test)
    for ours, expected in zip(arrays, right, strict=True):
        np.testing.assert_array_equal(ours, expected, f"seed {seed}")


def limit_memory() -> None:
    """Let the process take so much more memory, and no more."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))


if __name__ == "__main__":
    limit_memory()
    print(dict(fuzz(FORMATS[sys.argv[1]], int(sys.argv[2]))))
