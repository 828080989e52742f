"""Convert the workbook: data/handwriting_dataset.xlsx -> data/dataset.npz and .parquet."""

import start

from pathlib import Path

from cnn_from_scratch.data.duplicates import count_duplicates
from cnn_from_scratch.data.parquet import write_parquet
from cnn_from_scratch.data.table import digits_table
from cnn_from_scratch.data.workbook import Digits, read_workbook
from cnn_from_scratch.experiment.dataset import DATASET_FILE, Dataset, save_dataset
from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.experiment.params import load_params

WORKBOOK_FILE = Path("data/handwriting_dataset.xlsx")
TABLE_FILE = Path("data/dataset.parquet")


def main() -> None:
    """Read and check the workbook, and write it as a tensor and as a table."""
    params = load_params().convert
    digits, test = read_workbook(WORKBOOK_FILE, params.sheet, params.test_sheet, params.pixel_max)
    sheets = {params.sheet: digits}
    if test is not None and params.test_sheet is not None:
        sheets[params.test_sheet] = test
    with replacing(DATASET_FILE) as dataset, replacing(TABLE_FILE) as table:
        save_dataset(dataset, to_dataset(digits, test))
        write_parquet(table, digits_table(sheets))
    for name, some in sheets.items():
        print(f"sheet {name!r}: {len(some.labels)} samples of {some.num_classes} classes")
        if (brightest := some.images.max()) <= 1 / params.pixel_max < 1:
            print(
                f"sheet {name!r}: no pixel is above {brightest * params.pixel_max:g};"
                f" is convert.pixel_max, {params.pixel_max:g}, right?"
            )
    if test is None:
        print("no test sheet asked for: there will be no test accuracy")
    found = count_duplicates(digits.images, None if test is None else test.images)
    if found.within:
        print(
            f"sheet {params.sheet!r}: {found.within} of {len(digits.labels)} samples have the same"
            " image as another one; a split can part them"
        )
    if test is not None and found.tested:
        print(
            f"sheet {params.test_sheet!r}: {found.tested} of {len(test.labels)} samples stand on"
            f" sheet {params.sheet!r}, too"
        )


def to_dataset(digits: Digits, test: Digits | None) -> Dataset:
    """Give each image a channel axis: (N, 6, 6) -> (N, 1, 6, 6)."""
    return Dataset(
        X=digits.images[:, None],
        y=digits.labels,
        num_classes=digits.num_classes,
        X_test=None if test is None else test.images[:, None],
        y_test=None if test is None else test.labels,
    )


if __name__ == "__main__":
    main()
