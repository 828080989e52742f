"""tools/merge_lock.py merges dvc.lock stage by stage, also as Git calls it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import dumps_yaml, load_yaml, modify_yaml
from hypothesis import given
from hypothesis import strategies as st

from cnn_from_scratch import InputError
from merge_lock import merge_lock, merge_stages
from tests.workflow.project import ROOT, Project, configured, switch_on_merge_driver

LOCKS = [
    "dvc.lock",
    *(f"studies/{path.parent.name}/dvc.lock" for path in sorted(ROOT.glob("studies/*/dvc.lock"))),
]
Stages = dict[str, Any]


def stages(text: str) -> Stages:
    """Return the stages of 'a1 b2': a, whose command is 1, and b, whose command is 2."""
    return {word[0]: {"cmd": word[1:]} for word in text.split()}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged", "conflicts"),
    [
        ("a1 b1", "a1 b1", "a1 b1", "a1 b1", ""),
        # Added by one, by both, by both alike, by both differently, by both where there was none.
        ("a1", "a1 b1", "a1", "a1 b1", ""),
        ("a1", "a1", "a1 b1", "a1 b1", ""),
        ("a1", "a1 b1", "a1 c1", "a1 b1 c1", ""),
        ("a1", "a1 b1", "a1 b1", "a1 b1", ""),
        ("a1", "a1 b1", "a1 b2", "a1 b1", "b"),
        ("", "a1 b1", "a1 c1", "a1 b1 c1", ""),
        # Changed by one, by both, by both alike, by both differently.
        ("a1 b1", "a2 b1", "a1 b1", "a2 b1", ""),
        ("a1 b1", "a1 b1", "a2 b1", "a2 b1", ""),
        ("a1 b1", "a2 b1", "a1 b2", "a2 b2", ""),
        ("a1 b1", "a2 b1", "a2 b1", "a2 b1", ""),
        ("a1 b1", "a2 b1", "a3 b1", "a2 b1", "a"),
        ("a1 b1", "a2 b2", "a3 b3", "a2 b2", "a b"),
        # Removed by one, by both, by one while the other has changed it.
        ("a1 b1", "b1", "a1 b1", "b1", ""),
        ("a1 b1", "a1 b1", "b1", "b1", ""),
        ("a1 b1", "a1", "b1", "", ""),
        ("a1 b1", "b1", "b1", "b1", ""),
        ("a1 b1", "b1", "a2 b1", "a2 b1", "a"),
        ("a1 b1", "a2 b1", "b1", "a2 b1", "a"),
        # In order: at the end, where DVC adds; else before the stage that follows it in theirs.
        ("a1 z1", "a1 z1 b1 c1", "a1 z1 d1 e1", "a1 z1 b1 c1 d1 e1", ""),
        ("a1 z1", "a1 b1 c1 z1", "a1 d1 e1 z1", "a1 b1 c1 d1 e1 z1", ""),
        ("a1 z1", "a1 z1 b1", "c1 a1 d1 z1", "c1 a1 d1 z1 b1", ""),
        ("a1 m1 z1", "a1 z1", "a1 d1 m1 z1", "a1 d1 z1", ""),
        ("a1 b1 c1", "c1 a1 b1", "a1 b1 c2", "c2 a1 b1", ""),
    ],
)
def test_stages(base: str, ours: str, theirs: str, merged: str, conflicts: str) -> None:
    given_ = (stages(base), stages(ours), stages(theirs))
    found, names = merge_stages(*given_)
    assert list(found.items()) == list(stages(merged).items())
    assert names == conflicts.split()
    assert given_ == (stages(base), stages(ours), stages(theirs))


LOCK_STAGES = st.dictionaries(
    st.sampled_from("abcdefg"), st.sampled_from([{"cmd": "1"}, {"cmd": "2"}])
)


@given(LOCK_STAGES, LOCK_STAGES, LOCK_STAGES)
def test_properties(base: Stages, ours: Stages, theirs: Stages) -> None:
    merged, conflicts = merge_stages(base, ours, theirs)
    mirrored, mirrored_conflicts = merge_stages(base, theirs, ours)
    assert set(conflicts) == set(mirrored_conflicts)
    assert {name: entry for name, entry in merged.items() if name not in conflicts} == {
        name: entry for name, entry in mirrored.items() if name not in conflicts
    }
    # Ours keep their order; a side that has done nothing gives what the other has made.
    assert [name for name in merged if name in ours] == [name for name in ours if name in merged]
    assert merge_stages(base, ours, base) == (ours, [])
    assert merge_stages(base, base, theirs) == (theirs, [])
    assert merge_stages(base, ours, ours) == (ours, [])


def write_locks(folder: Path, *contents: str | bytes) -> tuple[Path, Path, Path]:
    """Write base, ours and theirs."""
    files = (folder / "base", folder / "ours", folder / "theirs")
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return files


def lock(text: str, **others: Any) -> str:
    """Return a dvc.lock with the stages."""
    return dumps_yaml({"schema": "2.0", **others, "stages": stages(text)})


def test_no_base(tmp_path: Path) -> None:
    files = write_locks(tmp_path, "", lock("a1"), lock("b1"))
    assert merge_lock(*files, "dvc.lock") == []
    assert files[1].read_text() == lock("a1 b1")


@pytest.mark.parametrize("name", LOCKS)
def test_the_bytes_are_dvcs(name: str, tmp_path: Path) -> None:
    """Both a merge and DVC, when it writes the file, leave the bytes of an unchanged stage."""
    content = (ROOT / name).read_bytes()
    base = load_yaml(ROOT / name)
    first, *_, last = base["stages"]
    files = write_locks(tmp_path, content, content, content)
    for file, stage in zip(files[1:], (first, last), strict=True):
        with modify_yaml(file) as changed:
            changed["stages"][stage]["cmd"] = "another"
            base["stages"][stage]["cmd"] = "another"
    assert merge_lock(*files, name) == []
    merged = files[1].read_bytes()
    assert load_yaml(files[1]) == base
    assert len(merged.splitlines()) < len(content.splitlines()) + 2
    with modify_yaml(files[1]):
        pass
    assert files[1].read_bytes() == merged


DAMAGED: dict[str, tuple[str | bytes, str]] = {
    "conflict marks": (lock("a1") + "<<<<<<< HEAD\n=======\n>>>>>>> other\n", "corrupted"),
    "a stage twice": (lock("a1") + "  a:\n    cmd: '2'\n", "corrupted"),
    "zero bytes": (bytes(99), "corrupted"),
    "no UTF-8": (lock("a1").encode() + b"# \xff\n", "corrupted"),
    "a list": ("[1]", "expected a dictionary"),
    "a stage that is none": ("schema: '2.0'\nstages: {a: 3}\n", "data['stages']['a']"),
    "cut off": (lock("a1").partition("cmd")[0], "data['stages']['a']"),
    "another schema": (lock("a1").replace("2.0", "3.0"), "invalid schema version"),
    "no schema": ("stages: {}\n", "data['schema']"),
}


@pytest.mark.parametrize("side", ["base", "ours", "theirs"])
@pytest.mark.parametrize(("content", "words"), DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_is_named_and_ours_stays(
    side: str, content: str | bytes, words: str, tmp_path: Path
) -> None:
    sides = {"base": lock("a1"), "ours": lock("a1 b1"), "theirs": lock("a1 c1"), side: content}
    files = write_locks(tmp_path, *sides.values())
    before = [file.read_bytes() for file in files]
    with pytest.raises(InputError) as raised:
        merge_lock(*files, "dvc.lock")
    assert f"dvc.lock ({side})" in str(raised.value)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert [file.read_bytes() for file in files] == before
    assert sorted(tmp_path.iterdir()) == sorted(files)


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_an_empty_lock_is_damaged(side: str, tmp_path: Path) -> None:
    sides = {"base": lock("a1"), "ours": lock("a1"), "theirs": lock("a1"), side: ""}
    files = write_locks(tmp_path, *sides.values())
    with pytest.raises(InputError, match=re.escape(f"dvc.lock ({side})")):
        merge_lock(*files, "dvc.lock")
    assert files[1].read_text() == sides["ours"]


def test_datasets_are_kept_or_refused(tmp_path: Path) -> None:
    """DVC writes what no stage of this project has; a merge loses none of it."""
    files = write_locks(tmp_path, lock("a1"), lock("a1", datasets=[1]), lock("b1", datasets=[1]))
    assert merge_lock(*files, "dvc.lock") == []
    assert files[1].read_text() == lock("b1", datasets=[1])
    files = write_locks(tmp_path, lock("a1"), lock("a1"), lock("b1", datasets=[1]))
    with pytest.raises(InputError, match=r"^dvc.lock: expected the same datasets"):
        merge_lock(*files, "dvc.lock")
    assert files[1].read_text() == lock("a1")


def add(runs: str, *, tidy: bool = False) -> Callable[[Any], None]:
    """Return a change that adds runs, as DVC does or as a tidy lock has them."""

    def change(content: Any) -> None:
        known = content["stages"]
        entry = next(known[name] for name in known if name.startswith("train@"))
        new = {f"train@{run}": {**deepcopy(entry), "cmd": f"train {run}"} for run in runs.split()}
        after = {name: known.pop(name) for name in ("aggregate", "plot")} if tidy else {}
        known.update({**new, **after})

    return change


def set_aggregate(cmd: str) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        content["stages"]["aggregate"]["cmd"] = cmd

    return change


class Repository(Project):
    """A Git repository with this project's driver and locks, and a branch for either person."""

    def change_lock(self, branch: str, *changes: Callable[[Any], None], path: str) -> None:
        """Commit changes of a lock, as DVC would write them, on a branch that begins at main."""
        self.git("checkout", "--quiet", "-B", branch, "main")
        with modify_yaml(self.folder / path) as content:
            for change in changes:
                change(content)
        self.commit(f"What {branch} did")

    def join(self, how: str) -> subprocess.CompletedProcess[str]:
        """Bring together the branches 'model' and 'seed', of which Git calls 'model' ours."""
        self.git("checkout", "--quiet", "seed" if how == "rebase" else "model")
        other = "model" if how == "rebase" else "seed"
        # Git starts a driver at the top, wherever it is called itself.
        return self.run("git", "-C", "studies", how, other, check=False)

    def status(self) -> str:
        """Return what Git says has changed."""
        return self.git("status", "--porcelain")


def shortened(lock: str) -> str:
    """Return a lock with its first stages and its last: DVC reads a whole one for a second."""
    head, *of_stages = re.split(r"^(?=  \S)", lock, flags=re.MULTILINE)
    return "".join([head, *of_stages[:5], *of_stages[-3:]])


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository in which the driver is not yet switched on."""
    folder = tmp_path / "repository"
    for name in ("src", "stages", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".gitattributes", ".gitignore"):
        shutil.copyfile(ROOT / name, folder / name)
    for name in LOCKS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(shortened((ROOT / name).read_text(encoding="utf-8")))
    repository = Repository(folder)
    repository.git("init", "--quiet", "--initial-branch", "main")
    configured(repository)
    repository.commit("The project")
    return repository


HOW = [
    "merge",
    pytest.param("rebase", marks=pytest.mark.release),
    pytest.param("cherry-pick", marks=pytest.mark.release),
]


@pytest.mark.parametrize("tidy", [False, True])
@pytest.mark.parametrize("how", HOW)
def test_a_model_and_a_seed_are_no_conflict(how: str, tidy: bool, repository: Repository) -> None:
    repository.change_lock("model", add("New-0 New-1", tidy=tidy), path="dvc.lock")
    repository.change_lock("seed", add("S-SGD-99 E-Adam-99", tidy=tidy), path="dvc.lock")
    both = add("New-0 New-1 S-SGD-99 E-Adam-99", tidy=tidy)
    repository.change_lock("expected", both, path="dvc.lock")
    expected = (repository.folder / "dvc.lock").read_bytes()
    switch_on_merge_driver(repository)
    result = repository.join(how)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (repository.folder / "dvc.lock").read_bytes() == expected
    assert repository.status() == ""


def test_without_the_driver_they_are(repository: Repository) -> None:
    repository.change_lock("model", add("New-0"), path="dvc.lock")
    repository.change_lock("seed", add("S-SGD-99"), path="dvc.lock")
    assert repository.join("merge").returncode == 1
    assert "<<<<<<<" in (repository.folder / "dvc.lock").read_text()


@pytest.mark.parametrize("path", ["dvc.lock", "studies/logits/dvc.lock"])
@pytest.mark.parametrize("how", HOW)
def test_a_stage_that_both_have_changed_is_named(
    how: str, path: str, repository: Repository
) -> None:
    both = (add("New-0"), set_aggregate("model"), add("S-SGD-99"))
    repository.change_lock("expected", *both, path=path)
    expected = (repository.folder / path).read_bytes()
    repository.change_lock("model", add("New-0"), set_aggregate("model"), path=path)
    repository.change_lock("seed", add("S-SGD-99"), set_aggregate("seed"), path=path)
    switch_on_merge_driver(repository)
    result = repository.join(how)
    assert result.returncode == 1
    line = f"{path}: both sides have changed aggregate; now run 'dvc repro'"
    assert line in result.stderr.splitlines()
    assert f"CONFLICT (content): Merge conflict in {path}" in result.stdout
    assert repository.status() == f"UU {path}\n"
    assert (repository.folder / path).read_bytes() == expected


def test_a_damaged_lock_is_a_conflict_with_one_line(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "seed")
    repository.append("dvc.lock", "  : {\n")
    repository.commit("A damaged lock")
    repository.change_lock("model", add("New-0"), path="dvc.lock")
    ours = (repository.folder / "dvc.lock").read_bytes()
    switch_on_merge_driver(repository)
    result = repository.join("merge")
    assert result.returncode == 1
    errors = [line for line in result.stderr.splitlines() if "error" in line]
    assert errors == [
        "error: cannot merge dvc.lock: unable to read: 'dvc.lock (theirs)',"
        " YAML file structure is corrupted"
    ]
    assert repository.status() == "UU dvc.lock\n"
    assert (repository.folder / "dvc.lock").read_bytes() == ours


def test_exit_codes(tmp_path: Path) -> None:
    """0: merged, 1: conflicts, 2: not merged."""
    for theirs, code in ((lock("a1 c1"), 0), (lock("a3"), 1), ("[1]", 2)):
        files = write_locks(tmp_path, lock("a1"), lock("a2"), theirs)
        files[1].write_text(lock("a1 b1" if code == 0 else "a2"))
        command = [sys.executable, str(ROOT / "tools/merge_lock.py"), *map(str, files), "dvc.lock"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == code
        assert len(result.stderr.splitlines()) == (code > 0)
        assert result.stdout == ""
