"""Parts of a program in words: what they are, and on which lines."""

from collections.abc import Iterable, Sequence

from sweep.domain.part import Part
from sweep.domain.plural import count_text

SHOWN_LINES = 6
"""Maximum number of lines named of equal parts."""


def parts_text(parts: Sequence[Part], *, most: int | None = None) -> str:
    """Return parts as one would say them, equal ones together: `2 Dropout(p=0.5) at model.py:23, :31`.

    At most `most` kinds of them are named, and the number of the others.
    """
    alike: dict[str, list[Part]] = {}
    for part in parts:
        alike.setdefault(part.what, []).append(part)
    texts = [_alike(what, same) for what, same in alike.items()]
    left = 0 if most is None else len(texts) - most
    if left <= 0:
        return "; ".join(texts)
    return "; ".join(texts[:most]) + f"; and {left} more kind{'s' * (left > 1)}"


def lines_text(places: Iterable[str]) -> str:
    """Return lines of a program, the file named once: `model.py:23, :31, train.py:5`."""
    known, texts = "", []
    for place in dict.fromkeys(places):
        file, _, line = place.rpartition(":")
        texts.append(f":{line}" if file == known else place)
        known = file
    left = len(texts) - SHOWN_LINES
    return ", ".join(texts[:SHOWN_LINES]) + (f" and {count_text(left, 'more line')}" if left > 0 else "")


def _alike(what: str, parts: Sequence[Part]) -> str:
    count = sum(part.count for part in parts)
    places = [part.where for part in parts if part.where is not None]
    where = f" at {lines_text(places)}" if places else " in a package"
    return f"{f'{count:,} ' if count > 1 else ''}{what}{where}"
