"""What GitHub runs is well-formed, pinned, may do no more than it needs, and lets no text in."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflow.project import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").iterdir())
ACTIONS = sorted(GITHUB.glob("actions/*/*"))
SCHEMAS = {
    **dict.fromkeys(WORKFLOWS, "vendor.github-workflows"),
    **dict.fromkeys(ACTIONS, "vendor.github-actions"),
    GITHUB / "dependabot.yml": "vendor.dependabot",
}
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# What a job may write, and why: all others only read.
WRITES = {("comment.yml", "comment"): {"pull-requests"}}

each_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
each_file = pytest.mark.parametrize("file", [*WORKFLOWS, *ACTIONS], ids=lambda file: file.name)


def read(file: Path) -> dict[str, Any]:
    """Return a file's content; its key `on` is a text, as in YAML 1.2."""
    content: dict[str, Any] = yaml.load(file.read_text("utf-8"), yaml.BaseLoader)
    return content


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(file)["jobs"]
    return found


def steps(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the steps of a workflow, or of an action."""
    content = read(file)
    for part in content["jobs"].values() if "jobs" in content else [content["runs"]]:
        yield from part["steps"]


def test_there_are_workflows_and_actions() -> None:
    assert WORKFLOWS
    assert ACTIONS


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_it_is_what_its_schema_asks_for(file: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        SCHEMAS[file],
        str(file),
    ]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@each_file
def test_actions_of_others_are_pinned_to_a_commit_whose_version_is_told(file: Path) -> None:
    used = re.findall(r"^ *(?:- )?uses: (.+)$", file.read_text("utf-8"), re.MULTILINE)
    assert len(used) == sum("uses" in step for step in steps(file))
    for action in used:
        assert action == "./.github/actions/install" or PINNED.fullmatch(action), action


def test_an_action_has_one_version_everywhere() -> None:
    used = {
        action
        for file in [*WORKFLOWS, *ACTIONS]
        for action in re.findall(r"uses: (\w.+)", file.read_text("utf-8"))
    }
    assert len({action.partition("@")[0] for action in used}) == len(used) > 3


@each_workflow
def test_a_job_may_do_what_it_needs_and_no_more(file: Path) -> None:
    assert read(file)["permissions"] == {}
    for name, job in jobs(file).items():
        writes = {what for what, access in job["permissions"].items() if access != "read"}
        assert writes == WRITES.get((file.name, name), set())


@each_workflow
def test_a_job_ends_in_time_and_a_newer_run_takes_its_turn(file: Path) -> None:
    assert "group" in read(file)["concurrency"]
    for job in jobs(file).values():
        assert 0 < int(job["timeout-minutes"]) <= 60


@each_file
def test_no_text_from_outside_becomes_a_command(file: Path) -> None:
    """What a shell or a script gets comes by variables, and then it stays a text."""
    for step in steps(file):
        assert "${{" not in step.get("run", "")
        assert "script" not in step.get("with", {})
        assert "${{" not in step.get("shell", "")


@each_file
def test_a_checkout_keeps_no_token(file: Path) -> None:
    for step in steps(file):
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] == "false"


@each_workflow
def test_who_may_write_runs_no_strangers_code(file: Path) -> None:
    """No event gives a pull request's code a token that writes, nor the secrets."""
    events = read(file)["on"]
    assert "pull_request_target" not in events
    writes = any(name == file.name for name, _ in WRITES)
    assert writes == ("workflow_run" in events)
    assert "secrets." not in file.read_text("utf-8")
    if writes:
        assert set(events) == {"workflow_run"}
        checkouts = [step for step in steps(file) if "actions/checkout@" in step.get("uses", "")]
        assert [set(step["with"]) for step in checkouts] == [{"persist-credentials"}]  # no ref
        (command,) = (step["run"] for step in steps(file) if "run" in step)
        assert command == 'python3 tools/post_report.py "$RUNNER_TEMP/report/report.md"'


def test_the_comment_waits_for_the_report() -> None:
    comment, report = (read(GITHUB / "workflows" / f"{name}.yml") for name in ("comment", "report"))
    assert comment["on"]["workflow_run"]["workflows"] == [report["name"]]
    assert report["on"] == "pull_request"
    condition = comment["jobs"]["comment"]["if"]
    assert "github.event.workflow_run.event == 'pull_request'" in condition
    kept = report["jobs"]["report"]["steps"][-1]["with"]
    assert kept["name"] == "report"
    assert "report.md" in kept["path"].split()


@pytest.mark.parametrize(("name", "job"), [("tests.yml", "ends"), ("verify.yml", "verify")])
def test_both_ends_of_the_declared_versions_are_tried(name: str, job: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (declared,) = (package for package in project["dependencies"] if package.startswith("numpy"))
    lowest = declared.removeprefix("numpy>=").partition(",")[0]
    versions = jobs(GITHUB / "workflows" / name)[job]["strategy"]["matrix"]["versions"]
    python = project["requires-python"].removeprefix(">=")
    assert versions[0] == {"python": python, "numpy": f"numpy=={lowest}.0"}
    assert versions[-1]["numpy"] == declared


def test_all_kinds_of_machines_verify_the_bits() -> None:
    matrix = jobs(GITHUB / "workflows/verify.yml")["verify"]["strategy"]["matrix"]
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert "ubuntu-24.04-arm" in matrix["os"]


def test_the_folders_of_tests_that_are_named_are_there() -> None:
    include = jobs(GITHUB / "workflows/tests.yml")["ends"]["strategy"]["matrix"]["include"]
    for folder in include[0]["folders"].split():
        assert (ROOT / folder).is_dir(), folder


def test_every_lock_is_audited() -> None:
    (command,) = (
        step["run"]
        for step in steps(GITHUB / "workflows/audit.yml")
        if "--require-hashes" in step.get("run", "")
    )
    locks = sorted(path.name for path in ROOT.glob("requirements*.txt"))
    assert sorted(re.findall(r"-r (\S+)", command)) == locks


def pins(lock: str) -> dict[str, list[str]]:
    """Return the versions of each package in a lock."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / lock).read_text("utf-8")):
        found.setdefault(name, []).append(version)
    return found


def test_the_locks_agree() -> None:
    """Dependabot renews one without the others."""
    runtime, dev, sharing = map(
        pins, ("requirements.txt", "requirements-dev.txt", "requirements-sharing.txt")
    )
    assert runtime.items() <= dev.items()
    shared = sharing.keys() & dev.keys()
    assert shared
    assert {name: sharing[name] for name in shared} == {name: dev[name] for name in shared}
