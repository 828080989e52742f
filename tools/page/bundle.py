"""JavaScript modules as one script: each in a scope of its own, in the order of their imports."""

import posixpath
import re
from pathlib import Path

from cnn_from_scratch import InputError

IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]*)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)
OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
ENDS_SCRIPT = re.compile(r"</script|<!--", re.IGNORECASE)


def bundled(entry: Path, call: str) -> str:
    """Return a script of a module and all that it imports, which at its end calls an export.

    Modules use `import { a, b as c } from "./other.js"`, and export functions, classes and
    constants where they are declared. Raises InputError, with the file, if one does otherwise.
    """
    parts: dict[Path, str] = {}
    _add(entry.resolve(), entry.resolve().parent, parts, ())
    calling = f"{_name(entry.resolve(), entry.resolve().parent)}.{call}();\n"
    return '(() => {\n"use strict";\n' + "".join(parts.values()) + calling + "})();\n"


def _add(file: Path, root: Path, parts: dict[Path, str], importing: tuple[Path, ...]) -> None:
    """Add a module to the parts, after those that it imports."""
    if file in importing:
        raise InputError(f"{file.name}: expected no circle of imports")
    if file in parts:
        return
    text = _text(file)
    for match in IMPORT.finditer(text):
        _add((file.parent / match[2]).resolve(), root, parts, (*importing, file))
    parts[file] = _scoped(file, root, text)


def _text(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file.name}: {error.strerror}") from error
    if ENDS_SCRIPT.search(text):
        raise InputError(f"{file.name}: expected neither </script nor <!--, which end a script")
    return text


def _scoped(file: Path, root: Path, text: str) -> str:
    """Return a module as a constant: an object with its exports, made in a function."""

    def taken(match: re.Match[str]) -> str:
        names = re.sub(r"(\w+) as (\w+)", r"\1: \2", match[1])
        return f"const {{{names}}} = {_name((file.parent / match[2]).resolve(), root)};\n"

    exported = [match[1] for match in EXPORT.finditer(text)]
    body = EXPORT.sub("", IMPORT.sub(taken, text))
    if other := OTHER.search(body):
        raise InputError(f"{file.name}: not a form of import or export known here: {other[0]}")
    return (
        f"const {_name(file, root)} = (() => {{\n{body}"
        f"return {{ {', '.join(exported)} }};\n}})();\n"
    )


def _name(file: Path, root: Path) -> str:
    """Return what a module's constant is called: by its path, so that no two are the same."""
    path = posixpath.relpath(file.as_posix(), root.as_posix())
    return "$" + "".join(c if c.isalnum() else f"${ord(c):x}" for c in path)
