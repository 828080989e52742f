"""A report becomes the one comment of its own pull request, and nothing in it is more than text."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from post_report import AUTHOR, LIMIT, MARKER, comment_of
from tests.workflow.project import ROOT

RUN: dict[str, Any] = {
    "head_branch": "better & faster",
    "head_sha": "a" * 40,
    "head_repository": {"full_name": "you/fork", "owner": {"login": "you"}},
    "html_url": "https://github.com/we/study/actions/runs/1",
}
FIRST_PAGE = 100  # comments


@dataclass
class GitHub:
    """A server that answers as GitHub does, as far as it is asked."""

    address: str = ""
    heads: dict[int, str] = field(default_factory=lambda: {7: "b" * 40, 8: "a" * 40})
    comments: list[dict[str, Any]] = field(default_factory=list)
    refuse: bool = False

    def answer(self, method: str, target: str, body: dict[str, str]) -> Any:
        """Answer as the pages of GitHub's REST interface say."""
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if (method, url.path) == ("GET", "/repos/we/study/pulls"):
            assert query == {"state": "open", "head": "you:better & faster"}
            return [{"number": n, "head": {"sha": sha}} for n, sha in self.heads.items()]
        if (method, url.path) == ("GET", "/repos/we/study/issues/8/comments"):
            first = FIRST_PAGE * (int(query["page"]) - 1)
            return self.comments[first : first + FIRST_PAGE]
        if (method, url.path) == ("POST", "/repos/we/study/issues/8/comments"):
            self.comments.append(a_comment(len(self.comments), body["body"]))
            return self.comments[-1]
        assert method == "PATCH"
        comment = self.comments[int(url.path.removeprefix("/repos/we/study/issues/comments/"))]
        comment["body"] = body["body"]
        return comment


def a_comment(number: int, body: str, author: str = AUTHOR) -> dict[str, Any]:
    return {"id": number, "body": body, "user": {"login": author}}


@pytest.fixture
def github() -> Iterator[GitHub]:
    state = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            if not self.raw_requestline or not self.parse_request():
                return
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else {}
            known = self.headers["Authorization"] == "Bearer secret" and not state.refuse
            content = state.answer(self.command, self.path, body) if known else {}
            self.send_response(200 if known else 403)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def post(github: GitHub, folder: Path, report: str = "# Report") -> tuple[int, str]:
    """Post a report; return the exit code and what was printed."""
    (folder / "event.json").write_text(json.dumps({"workflow_run": RUN}))
    if not (folder / "report.md").is_symlink():
        (folder / "report.md").write_text(report, encoding="utf-8")
    variables = {
        "GITHUB_API_URL": github.address,
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_REPOSITORY": "we/study",
        "GITHUB_TOKEN": "secret",
        "no_proxy": "*",
    }
    done = subprocess.run(
        [sys.executable, "-I", ROOT / "tools/post_report.py", folder / "report.md"],
        env=os.environ | variables,
        text=True,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_second_report_takes_the_place_of_the_first(github: GitHub, tmp_path: Path) -> None:
    assert post(github, tmp_path, "# One") == (0, "pull request 8: a new comment\n")
    assert post(github, tmp_path, "# Two") == (0, "pull request 8: its comment, anew\n")
    (comment,) = github.comments
    assert comment["body"].startswith(MARKER)
    assert comment["body"].endswith("\n# Two")


def test_what_others_wrote_stays(github: GitHub, tmp_path: Path) -> None:
    """Also where ours is on another page than the first."""
    theirs = [a_comment(0, f"{MARKER} not ours", "you"), a_comment(1, f"about {MARKER}")]
    theirs += [a_comment(n, "hello", "you") for n in range(2, FIRST_PAGE + 5)]
    github.comments = [*theirs, a_comment(len(theirs), f"{MARKER}\n# One")]
    before = json.dumps(theirs)
    assert post(github, tmp_path, "# Two") == (0, "pull request 8: its comment, anew\n")
    assert json.dumps(github.comments[:-1]) == before
    assert github.comments[-1]["body"].endswith("# Two")


def test_a_report_of_an_earlier_commit_is_not_posted(github: GitHub, tmp_path: Path) -> None:
    github.heads = {7: "b" * 40, 8: "c" * 40}
    code, said = post(github, tmp_path)
    assert (code, github.comments) == (0, [])
    assert said == f"no open pull request has {'a' * 40} as its latest commit: nothing to post\n"


def test_what_github_refuses_is_one_line(github: GitHub, tmp_path: Path) -> None:
    github.refuse = True
    assert post(github, tmp_path) == (1, "error: HTTP Error 403: Forbidden\n")


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_link_is_not_followed(github: GitHub, tmp_path: Path) -> None:
    """It could lead to the token."""
    (tmp_path / "report.md").symlink_to("event.json")
    assert post(github, tmp_path) == (1, f"error: {tmp_path / 'report.md'}: expected a file\n")
    assert github.comments == []


def test_a_report_calls_nobody() -> None:
    comment = comment_of("@all: `train@S-SGD`, a @ b", RUN)
    assert comment.endswith("@\u200ball: `train@\u200bS-SGD`, a @ b")


@pytest.mark.parametrize("picture", ["plots/loss.png", "studies/logits/plots/scores.png"])
def test_a_report_shows_the_commits_pictures(picture: str) -> None:
    comment = comment_of(f"![Loss]({picture})", RUN)
    assert comment.endswith(f"![Loss](https://github.com/you/fork/raw/{'a' * 40}/{picture})")
    elsewhere = "![Loss](https://example.org/loss.png)"
    assert comment_of(elsewhere, RUN).endswith(elsewhere)


def test_a_report_that_is_too_long_says_so() -> None:
    assert "does not fit" not in comment_of("x" * (LIMIT - 1000), RUN)
    comment = comment_of("x" * LIMIT, RUN)
    assert len(comment) == LIMIT
    assert comment.endswith("xx\n\nThe rest of it does not fit here.")
