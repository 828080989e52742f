"""Writing dvc.lock without DVC's own way, and with its bytes."""

from pathlib import Path

import pytest
from dvc.utils.serialize import modify_yaml

from dvc_lock import modify_lock
from tests.workflow.project import ROOT

LOCKS = [
    "dvc.lock",
    *(f"studies/{f.parent.name}/dvc.lock" for f in ROOT.glob("studies/*/dvc.lock")),
]


@pytest.mark.parametrize("name", LOCKS)
def test_it_writes_what_dvc_would(name: str, tmp_path: Path) -> None:
    ours, dvcs = tmp_path / "ours.lock", tmp_path / "dvcs.lock"
    for file in (ours, dvcs):
        file.write_bytes((ROOT / name).read_bytes())
    with modify_lock(str(ours), None) as content:
        content["stages"]["new"] = content["stages"].pop("check")
    with modify_yaml(str(dvcs)) as content:
        content["stages"]["new"] = content["stages"].pop("check")
    assert ours.read_bytes() == dvcs.read_bytes()


def test_where_there_is_none_it_writes_one(tmp_path: Path) -> None:
    file = tmp_path / "dvc.lock"
    with modify_lock(str(file), None) as content:
        content["schema"] = "2.0"
    assert file.read_text() == "schema: '2.0'\n"


def test_an_error_leaves_it_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "dvc.lock"
    file.write_text("schema: '2.0'\n")
    with pytest.raises(KeyError), modify_lock(str(file), None) as content:
        content["stages"] = {}
        raise KeyError
    assert file.read_text() == "schema: '2.0'\n"
    assert [path.name for path in tmp_path.iterdir()] == ["dvc.lock"]
