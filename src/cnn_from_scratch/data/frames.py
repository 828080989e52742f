"""Tables in files, CSV or Parquet, read in pieces that fit into memory."""

import csv
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from cnn_from_scratch import InputError

_VALUES = 2**22  # in a piece, as 8-byte numbers 32 MB
_POINT_0 = r"^(-?[0-9]+)\.0+$"


@dataclass(frozen=True)
class CsvTable:
    """A CSV file in UTF-8: commas, and the names of the columns in the first line."""

    file: Path

    @property
    def columns(self) -> list[str]:
        """The names in the first line."""
        with _one_line_errors(self.file), self.file.open(encoding="utf-8-sig", newline="") as lines:
            return next(csv.reader(lines), [])

    def pieces(self, columns: Sequence[str], texts: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield some columns, some rows at a time; those of `texts` as text.

        Whole numbers there have no decimal point. No text, such as NA, stands for a missing value.
        Raises InputError, naming the file, if it is damaged.
        """
        names = self.columns
        with _one_line_errors(self.file):
            reader = pd.read_csv(
                self.file,
                header=None,
                skiprows=1,
                names=names,
                index_col=False,
                dtype=dict.fromkeys(texts, str),
                keep_default_na=False,
                skip_blank_lines=False,
                encoding="utf-8-sig",
                compression=None,
                low_memory=False,
                chunksize=max(1, _VALUES // len(names)),
            )
        with reader:
            for piece in _checked(self.file, reader, columns):
                for name in texts:
                    piece[name] = piece[name].str.replace(_POINT_0, r"\1", regex=True)
                yield piece

    def place(self, row: int) -> str:
        """Return its line, counted from 1."""
        return f"line {row + 2}"


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file."""

    file: Path

    @property
    def columns(self) -> list[str]:
        """The names in the file's schema."""
        with _one_line_errors(self.file), pq.ParquetFile(self.file) as table:
            return list(table.schema_arrow.names)

    def pieces(self, columns: Sequence[str], texts: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield some columns, some rows at a time; those of `texts` as text, or categories of it.

        Whole numbers there have no decimal point. Raises InputError, naming the file, if it is
        damaged.
        """
        with _one_line_errors(self.file):
            table = pq.ParquetFile(self.file)
        with table:
            batches = table.iter_batches(max(1, _VALUES // len(columns)), columns=list(columns))
            frames = (batch.to_pandas() for batch in batches)
            for piece in _checked(self.file, frames, columns):
                for name in texts:
                    piece[name] = _as_text(piece[name])
                yield piece

    def place(self, row: int) -> str:
        """Return its number, from 0."""
        return f"row {row} (from 0)"


Table = CsvTable | ParquetTable


def open_table(file: Path) -> Table:
    """Return the table in a file, whose name says of which kind it is. Raises InputError."""
    if not file.exists():
        raise InputError(f"{file}: not found")
    if not file.is_file():
        raise InputError(f"{file}: expected a file; convert.source.train and .test name the files")
    if file.suffix.lower() not in KINDS:
        raise InputError(f"{file}: expected a name that ends in {' or '.join(KINDS)}")
    table = KINDS[file.suffix.lower()](file)
    name, count = Counter(table.columns).most_common(1)[0] if table.columns else ("", 0)
    if count != 1:
        raise InputError(f"{file}: expected columns, each name once, found {name!r} {count} times")
    return table


KINDS: dict[str, type[Table]] = {".csv": CsvTable, ".parquet": ParquetTable}


def _checked(
    file: Path, pieces: Iterator[pd.DataFrame], columns: Sequence[str]
) -> Iterator[pd.DataFrame]:
    while True:
        with _one_line_errors(file):
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece[list(columns)].copy()


def _as_text(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.rename_categories([_text(value) for value in column.cat.categories])
    return column.map(_text, na_action="ignore")


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@contextmanager
def _one_line_errors(file: Path) -> Iterator[None]:
    """Raise InputError for whatever a library finds wrong with a file, also if it only warns."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    except Exception as error:  # a damaged file can fail anywhere in pandas and pyarrow
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{file}: cannot read the table: {reason}") from error
