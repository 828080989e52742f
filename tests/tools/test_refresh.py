"""refresh.py: what is generated in the pages is replaced, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

import refresh


def test_a_stale_table_would_be_seen() -> None:
    page, name, _ = refresh.TABLES[0]
    text = page.read_text(encoding="utf-8")
    assert refresh.replace_part(text, name, "| other |\n") != text


def test_an_unknown_part_is_an_error() -> None:
    with pytest.raises(ValueError, match="found 0"):
        refresh.replace_part(refresh.README.read_text(encoding="utf-8"), "no-such-part", "")


def test_it_renews_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    (tmp_path / "values.json").write_text('{"n": 10}', encoding="utf-8")
    page.write_text('[1](values.json "n")', encoding="utf-8")
    changes: dict[str, Any] = {"TABLES": (), "PAGES": (page,), "README": page}
    for name, value in changes.items():
        monkeypatch.setattr(refresh, name, value)
    monkeypatch.setattr(refresh, "command_parts", dict)
    refresh.main()
    assert page.read_text(encoding="utf-8") == '[10](values.json "n")'
