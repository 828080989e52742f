"""Reading what `aggregate` wrote: a file that is missing or damaged is named."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.report.outputs import read_metrics, read_rows, read_scores

FILES: dict[str, Callable[[], object]] = {
    "metrics/runs.parquet": read_scores,
    "metrics/statistics.json": lambda: read_metrics("statistics"),
    "plots/confusion.json": lambda: read_rows("confusion"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("metrics", "plots"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "read"), FILES.items(), ids=FILES)
@pytest.mark.parametrize("content", [b"", bytes(500), b"PAR1", b'{"a": 1'])
def test_a_damaged_file_is_named(name: str, read: Callable[[], object], content: bytes) -> None:
    Path(name).write_bytes(content)
    with pytest.raises(InputError) as error:
        read()
    assert str(error.value) == f"{name}: damaged; delete it, and 'dvc repro' makes it"


@pytest.mark.parametrize(("name", "read"), FILES.items(), ids=FILES)
def test_a_missing_file_is_named(name: str, read: Callable[[], object]) -> None:
    with pytest.raises(InputError) as error:
        read()
    assert str(error.value) == f"{name}: not found; 'dvc repro' makes it"


def test_good_files_are_read() -> None:
    table = pd.DataFrame({"model": ["A"], "accuracy": [0.5]})
    table.to_parquet("metrics/runs.parquet")
    Path("metrics/statistics.json").write_text('{"µ": 1}', encoding="utf-8")
    table.to_json("plots/confusion.json", orient="records")
    pd.testing.assert_frame_equal(read_scores(), table)
    assert read_metrics("statistics") == {"µ": 1}
    pd.testing.assert_frame_equal(read_rows("confusion"), table)
