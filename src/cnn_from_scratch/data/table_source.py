"""A table with one row for each sample, its label and its pixels, as notebooks export them."""

from dataclasses import dataclass
from typing import Annotated

from cnn_from_scratch.checks import AT_LEAST_1, POSITIVE, Checked
from cnn_from_scratch.experiment.dataset import Dataset


@dataclass(frozen=True)
class SampleTable(Checked):
    """`convert.source` named table.

    path: a CSV or Parquet file, or a folder with the files `train` and `test`. pixel_max: the value
    of a full pixel. label: the column of the classes. ignore: columns that are no pixels.
    test_column: the column that says test_value in the rows of test samples; None: no such rows.
    height, width: of the images; None: they are square. channels: of the images, each one's pixels
    after the other's.
    """

    path: str
    pixel_max: Annotated[float, POSITIVE]
    label: str = "label"
    ignore: tuple[str, ...] = ()
    train: str | None = None
    test: str | None = None
    test_column: str | None = None
    test_value: str = "test"
    height: Annotated[int | None, AT_LEAST_1] = None
    width: Annotated[int | None, AT_LEAST_1] = None
    channels: Annotated[int, AT_LEAST_1] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.height is None) != (self.width is None):
            raise ValueError("height: expected height and width, or neither, got one of the two")
        if self.test is not None and self.train in (None, self.test):
            raise ValueError("test: expected train to name another file in path")
        if self.test is not None and self.test_column is not None:
            raise ValueError("test_column: expected null, as test names a file of test samples")

    def read(self) -> Dataset:
        """Return the samples: X (N, C, H, W), pixels as they are in the table.

        Whole numbers up to 255 become uint8, larger ones float64; float32 and float64 stay. Classes
        are called as the labels; whole numbers without a decimal point. They are in the order of
        `class_order`, or, in a Parquet column of categories, in the order of these.

        Raises InputError, naming file, row and column, if a file is no readable table, a column is
        missing, the pixels make no such images, a pixel is not a number in 0..pixel_max, a label is
        blank, or a test sample's class is not trained on.
        """
        from cnn_from_scratch.data.table_rows import read_samples  # only here: it imports pandas

        return read_samples(self)
