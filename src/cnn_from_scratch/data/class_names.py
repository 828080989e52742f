"""What classes may be called, and in which order they come."""

import re
from collections.abc import Iterable

_WHOLE = re.compile(r"-?[0-9]{1,15}")


def class_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct names in order: by value if all are whole numbers, else as text."""
    distinct = set(names)
    if all(map(_WHOLE.fullmatch, distinct)):
        return tuple(sorted(distinct, key=lambda name: (int(name), name)))
    return tuple(sorted(distinct))


def is_class_name(text: str) -> bool:
    """Whether it can stand in a line of text: not blank, and without breaks or broken letters."""
    return text.isprintable() and bool(text.strip())
