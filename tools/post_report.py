"""Post a report as the one comment of its pull request; a later report takes its place.

Usage: python tools/post_report.py REPORT.md, in a workflow that GitHub starts by `workflow_run` and
whose GITHUB_TOKEN may write to pull requests. It needs nothing but Python.

The report is the work of a stranger's code. It is text here, and it does not say where it belongs:
the pull request is the open one whose latest commit GitHub itself says that the report was made of.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

from cnn_from_scratch import InputError
from cnn_from_scratch.arguments import Parser

MARKER = "<!-- the report of tools/post_report.py -->"
AUTHOR = "github-actions[bot]"  # whose comments GITHUB_TOKEN writes
LIMIT = 65_536  # characters of a comment, GitHub's
CUT = "\n\nThe rest of it does not fit here."
PICTURE = re.compile(r"(!\[[^\[\]]*\]\()([\w./-]+\.png\))")  # in the project
MENTION = re.compile(r"@(?=\w)")


def call(method: str, path: str, content: dict[str, str] | None = None) -> Any:
    """Return what GitHub's interface answers. Raises OSError if it refuses."""
    request = Request(
        f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}",
        method=method,
        data=None if content is None else json.dumps(content).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
        },
    )
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def pull_request(run: dict[str, Any]) -> int | None:
    """Return the number of the open pull request whose latest commit a run was of, if any is."""
    head = f"{run['head_repository']['owner']['login']}:{run['head_branch']}"
    for found in call("GET", f"pulls?{urlencode({'state': 'open', 'head': head})}"):
        if found["head"]["sha"] == run["head_sha"]:
            return int(found["number"])
    return None


def earlier_comment(number: int) -> int | None:
    """Return the comment that holds a pull request's earlier report, if there is one."""
    page = 1
    while comments := call("GET", f"issues/{number}/comments?per_page=100&page={page}"):
        for comment in comments:
            if comment["user"]["login"] == AUTHOR and comment["body"].startswith(MARKER):
                return int(comment["id"])
        page += 1
    return None


def comment_of(report: str, run: dict[str, Any]) -> str:
    """Return a report as a comment: nobody is notified, and its pictures are the commit's."""
    pictures = f"https://github.com/{run['head_repository']['full_name']}/raw/{run['head_sha']}/"
    text = MENTION.sub("@\u200b", PICTURE.sub(rf"\1{pictures}\2", report))
    origin = (
        f"{MARKER}\n*Written by the code of this pull request, at {run['head_sha']}.\n"
        f"[Its run]({run['html_url']}) keeps `report.html`. The pictures are the committed ones.*\n"
    )
    comment = f"{origin}\n{text}"
    return comment if len(comment) <= LIMIT else comment[: LIMIT - len(CUT)] + CUT


def main(report: Path) -> None:
    """Write the comment, or say that there is nothing to write it on."""
    if report.is_symlink() or not report.is_file():
        raise InputError(f"{report}: expected a file")
    run = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text("utf-8"))["workflow_run"]
    number = pull_request(run)
    if number is None:
        print(f"no open pull request has {run['head_sha']} as its latest commit: nothing to post")
        return
    content = {"body": comment_of(report.read_text("utf-8", errors="replace"), run)}
    comment = earlier_comment(number)
    if comment is None:
        call("POST", f"issues/{number}/comments", content)
    else:
        call("PATCH", f"issues/comments/{comment}", content)
    print(f"pull request {number}: {'a new comment' if comment is None else 'its comment, anew'}")


if __name__ == "__main__":
    parser = Parser(description=__doc__)
    parser.add_argument("report", type=Path)
    main(parser.parse_args().report)
