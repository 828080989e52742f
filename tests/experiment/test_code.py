"""The code that runs are trained by is told by its files' content."""

from hashlib import md5
from pathlib import Path

import pytest

import cnn_from_scratch
from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.code import PACKAGE, code_digests, difference_from

OWN = Path(cnn_from_scratch.__file__).parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two modules and what is none; the current folder."""
    for name in ("b.py", "deep/a.py", "deep/__pycache__/a.cpython-311.pyc", "deep/notes.md"):
        (tmp_path / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def own_list() -> dict[str, str]:
    names = ("__init__.py", "nn/layers.py")
    return {PACKAGE + name: md5((OWN / name).read_bytes()).hexdigest() for name in names}


def test_modules_are_listed_in_order_and_nothing_else(folder: Path) -> None:
    listed = code_digests([Path("code/deep"), Path("code/b.py")])
    assert list(listed.items()) == [
        (f"code/{name}", md5(name.encode()).hexdigest()) for name in ("b.py", "deep/a.py")
    ]


def test_an_edit_changes_the_list(folder: Path) -> None:
    before = code_digests([Path("code")])
    (folder / "code/b.py").write_text("more")
    after = code_digests([Path("code")])
    assert {name for name in before if after[name] != before[name]} == {"code/b.py"}


def test_what_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"^code/c\.py: not found$"):
        code_digests([Path("code/c.py")])


def test_this_process_has_the_code_that_it_has() -> None:
    assert difference_from(own_list()) is None
    assert difference_from({"stages/start.py": "0" * 32}) is None  # a worker needs no such file


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nn/layers.py", "another version"),
        ("nn/nowhere.py", "not found"),
    ],
)
def test_other_code_is_told_by_its_first_file(name: str, what: str) -> None:
    other = own_list() | {PACKAGE + name: "0" * 32, PACKAGE + "nn/network.py": "0" * 32}
    assert difference_from(other) == f"{PACKAGE}{name}: {what}"
