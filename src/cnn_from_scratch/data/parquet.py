"""Writing tables as Parquet."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a table without its index; the same table and pyarrow give the same bytes."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(None), path)  # it would name pandas' version
