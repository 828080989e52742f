"""Renew the numbers that a page cites from JSON files.

A cited number is a Markdown link to its file, whose title is the path of the keys to the value:
`[86.4](../metrics/summary.json "E-Adam/test_accuracy/mean in %")`. Keys are set apart by '/' (and
may hold some), an item of a list is named by its index, and ' in %' multiplies by 100. The text
keeps its form: its number of decimals, and a leading '+' if a sign is always to be shown. A string,
such as the name of a model, is shown as it is. What stands in code is left alone.
"""

import json
import re
from pathlib import Path
from typing import Any

from cnn_from_scratch import InputError

CODE_OR_CITED = re.compile(
    r"^```.*?^```$"
    r"|`(?:[^`\n]|\n(?!\n))+`"
    r'|(?<!!)\[(?P<text>[^\[\]]*)\]\((?P<file>[^\s()]+)\s+"(?P<path>[^"]*)"\)',
    flags=re.DOTALL | re.MULTILINE,
)
PERCENT = " in %"


def renewed(page: Path) -> str:
    """Return the page's text with the numbers that its files hold now.

    Raises InputError if a file cannot be read, or holds nothing that could be shown in a number's
    place.
    """
    return CODE_OR_CITED.sub(lambda found: _renewed(page, found), page.read_text("utf-8"))


def _renewed(page: Path, found: re.Match[str]) -> str:
    if found["file"] is None:  # code
        return found[0]
    try:
        text = _shown(_value(page.parent / found["file"], found["path"]), found)
    except (OSError, ValueError) as error:
        raise InputError(f"{page}: {' '.join(found[0].split())}: {error}") from error
    return found[0].replace(f"[{found['text']}]", f"[{text}]", 1)


def _value(file: Path, path: str) -> Any:
    """Return what the keys lead to in a JSON file; of several keys that fit, the longest counts."""
    try:
        value = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"the file is not JSON: {error}") from error
    rest = path.removesuffix(PERCENT)
    while rest:
        items = {str(i): item for i, item in enumerate(value)} if isinstance(value, list) else value
        keys = items if isinstance(items, dict) else {}
        key = max((key for key in keys if f"{rest}/".startswith(f"{key}/")), key=len, default=None)
        if key is None:
            raise ValueError(f"no key in the file for {rest!r}")
        value, rest = keys[key], rest[len(key) + 1 :]
    return value


def _shown(value: Any, found: re.Match[str]) -> str:
    """Return a value in the form of the number that stands in the page."""
    in_percent = found["path"].endswith(PERCENT)
    if isinstance(value, str) and not in_percent:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        kind = "null" if value is None else f"a {type(value).__name__}"
        raise ValueError(f"the value of {found['path']!r} is {kind}, not a number")
    form = re.fullmatch(r"([+-]?)\d+(?:\.(\d+))?", found["text"])
    if form is None:
        raise ValueError(f"{found['text']!r} is not a number, whose form {value} could take")
    sign = "+" if form[1] == "+" else "-"
    return f"{100 * value if in_percent else value:{sign}z.{len(form[2] or '')}f}"
