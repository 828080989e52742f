"""Make data/handwriting_dataset.xlsx from the 8x8 digits bundled with scikit-learn.

Usage: python data/make_handwriting_dataset.py [FILE]

The digits are the test part of the UCI "Optical Recognition of Handwritten Digits" (Alpaydin and
Kaynak 1998, CC BY 4.0). Those of classes 1, 2 and 3 are put in a random order; the first 32 of
each go to the sheet `Data`, the others to the sheet `Test`. Each image is averaged over areas
from 8x8 to 6x6, in whole-number arithmetic. The layout is the published one.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from sklearn.datasets import load_digits

# The layout, as cnn_from_scratch.data.workbook.Workbook has it if params.yaml says nothing else.
SIZE = 6  # pixels, in height and width
FIRST_COLUMN = 12
FIRST_PIXEL_ROW = 5
FIRST_LABEL_ROW = FIRST_PIXEL_ROW + SIZE

CLASSES = (1, 2, 3)
SAMPLES_PER_CLASS = 32  # on the sheet Data
GRAY_MAX = 255
SOURCE_MAX = 16

# A target pixel spans 4/3 of a source pixel. In thirds, the first takes 3 of pixel 0 and 1 of
# pixel 1, the second 2 and 2, the third 1 and 3; then the pattern repeats.
OVERLAP = np.kron(np.eye(2, dtype=np.int64), [[3, 1, 0, 0], [0, 2, 2, 0], [0, 0, 1, 3]])  # (6, 8)

Grays = np.ndarray[Any, np.dtype[np.int64]]


def shrink(images: Grays) -> Grays:
    """Average over areas: (N, 8, 8) in 0..16 -> (N, 6, 6) whole gray values 0..255, halves up."""
    total = OVERLAP @ images @ OVERLAP.T  # each the sum of 16 ninths of an area
    return (2 * GRAY_MAX * total + 16 * SOURCE_MAX) // (2 * 16 * SOURCE_MAX)


def choose() -> dict[str, tuple[Grays, Grays]]:
    """Return the images (N, 6, 6) and labels (N,) of each sheet, in their order."""
    bunch = load_digits()
    images, labels = bunch.images.astype(np.int64), bunch.target.astype(np.int64)
    order = np.random.RandomState(0).permutation(np.flatnonzero(np.isin(labels, CLASSES)))
    data = np.sort(
        np.concatenate([np.flatnonzero(labels[order] == k)[:SAMPLES_PER_CLASS] for k in CLASSES])
    )
    sheets = {"Data": order[data], "Test": np.delete(order, data)}
    return {name: (shrink(images[chosen]), labels[chosen]) for name, chosen in sheets.items()}


def build() -> Workbook:
    """Return the workbook."""
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator = "data/make_handwriting_dataset.py"
    for name, (images, labels) in choose().items():
        sheet = book.create_sheet(name)
        sheet["A1"] = f"{len(labels)} handwritten digits, 6x6 gray values 0-{GRAY_MAX}"
        sheet["A2"] = "UCI Optical Recognition of Handwritten Digits, CC BY 4.0; see data/README.md"
        sheet["A5"], sheet["A11"] = "pixels", "one-hot label"
        for i, (image, label) in enumerate(zip(images.tolist(), labels.tolist(), strict=True)):
            column = FIRST_COLUMN + SIZE * i
            for row in range(SIZE):
                for offset in range(SIZE):
                    sheet.cell(FIRST_PIXEL_ROW + row, column + offset, image[row][offset])
            for k, digit in enumerate(CLASSES):
                sheet.cell(FIRST_LABEL_ROW + k, column, int(label == digit))
        for column in range(FIRST_COLUMN, FIRST_COLUMN + SIZE * len(labels)):
            sheet.column_dimensions[get_column_letter(column)].width = 4
        sheet.freeze_panes = sheet.cell(FIRST_PIXEL_ROW, FIRST_COLUMN)
    return book


if __name__ == "__main__":
    default = Path(__file__).with_name("handwriting_dataset.xlsx")
    build().save(sys.argv[1] if len(sys.argv) > 1 else default)
