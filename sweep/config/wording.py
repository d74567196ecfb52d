"""Turns errors of Hydra, OmegaConf and their grammar into messages that name the value and a way out."""

import re
from collections.abc import Iterable

from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import (
    GrammarParseError,
    InterpolationKeyError,
    InterpolationResolutionError,
    InterpolationToMissingValueError,
    OmegaConfBaseException,
    UnsupportedInterpolationType,
)

_CLOSING = {")": "(", "]": "[", "}": "{"}
_SPECIAL = re.compile(r"""[^\w\s.,:=()\[\]{}'"/\\+$%*@?|~-]""")
_NOT_SET = re.compile(r"Environment variable '(.*?)' not found")
_FOUND_NOTHING = re.compile(r"Interpolation key '(.*?)' not found")


def in_words(exc: Exception) -> str:
    """Return what is wrong with a value, as a phrase that follows a key, without the library's own terms."""
    if isinstance(exc, InterpolationKeyError):
        found = _FOUND_NOTHING.search(str(exc))
        return f"refers to {found[1]}, which does not exist" if found else "refers to a key that does not exist"
    if isinstance(exc, InterpolationToMissingValueError):
        return "refers to a key that has no value yet"
    if isinstance(exc, UnsupportedInterpolationType):
        return "has an unknown kind of reference; `${section.key}` is another key's value"
    if isinstance(exc, GrammarParseError):
        return "is not a reference; `${section.key}` is another key's value"
    if found := _NOT_SET.search(str(exc)):
        return f"refers to the environment variable {found[1]}, which is not set"
    if isinstance(exc, InterpolationResolutionError):
        return "has a reference that cannot be resolved: it refers to itself, or its function rejects the value"
    if isinstance(exc, HydraException | OmegaConfBaseException):
        return "cannot be set to this"
    return str(exc).splitlines()[0] if str(exc) else type(exc).__name__


def misread(value: str) -> str:
    """Return why the text after `KEY=` is not a value in Hydra's override grammar."""
    rest = re.sub(r"""(["'])(?:\\.|(?!\1).)*\1""", "q", value)  # quoted parts may hold anything
    if quote := next((mark for mark in "\"'" if mark in rest), None):
        return f"a {quote} is not closed"
    if problem := _unbalanced(rest):
        return problem
    if "$" in value:
        try:
            OmegaConf.create({"value": value})
        except OmegaConfBaseException as exc:
            return in_words(exc)
    if sign := _SPECIAL.search(rest):
        return f"text with {sign[0]} must be quoted"
    if "=" in rest:
        return "text with = must be quoted"
    if re.search(r"\{[^{}]*\bq\s*:", rest):
        return "do not quote a name before a colon: {name: value}"
    return "is not a value: unexpected brackets, commas or colons"


def _unbalanced(text: str) -> str | None:
    opened: list[str] = []
    for sign in text:
        if sign in _CLOSING.values():
            opened.append(sign)
        elif sign in _CLOSING and (not opened or opened.pop() != _CLOSING[sign]):
            return f"a {sign} closes nothing"
    return f"a {opened[-1]} is not closed" if opened else None


def listed(names: Iterable[str]) -> str:
    """Return names as a list for a sentence, `none` if it is empty."""
    return ", ".join(names) or "none"
