"""The table: the samples as rows, to look at with any tool that reads Parquet."""

import pandas as pd

from cnn_from_scratch.data.workbook import SIZE, Digits


def digits_table(sheets: dict[str, Digits]) -> pd.DataFrame:
    """Return one row per sample: sheet, index (from 0), label, 36 pixels in 0..1, row by row."""
    names = [f"pixel_{row}_{column}" for row in range(SIZE) for column in range(SIZE)]
    frames = []
    for sheet, digits in sheets.items():
        frame = pd.DataFrame(digits.images.reshape(len(digits.images), -1), columns=names)
        frame.insert(0, "label", digits.labels)
        frame.insert(0, "index", range(len(frame)))
        frame.insert(0, "sheet", sheet)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
