"""A program given by its command: the words with placeholders, and the step of each line that it prints. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

from sweep.domain.script_words import SUFFIX, argument_text, stem_of

SEED, RUN_DIR = "seed", "run_dir"
GIVEN = (SEED, RUN_DIR)
"""Placeholders whose values a trial has: its seed, and its own folder for what the program writes."""

KEYS = frozenset({"command", "env", "metrics"})
"""Keys of such a task that are not for placeholders."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*(?:\.\w+)*)\}")
_STEPS, _EPOCH, _BATCH = ("step", "iter", "iteration"), "epoch", "batch"


def placeholders(words: Iterable[str]) -> list[str]:
    """Return the names in `{...}` in these words, in order, each once. Other braces are text."""
    return list(dict.fromkeys(name for word in words for name in _PLACEHOLDER.findall(word)))


def filled(words: Iterable[str], values: Mapping[str, object]) -> list[str]:
    """Return the words of the command with the values in place of their names.

    A word that is one placeholder alone is left out if its value is null, and is several words if it is a list. Raises
    ValueError for null, a list or a section inside a word, and KeyError for a name without a value.
    """
    return [each for word in words for each in _word(word, values)]


def _word(word: str, values: Mapping[str, object]) -> Iterator[str]:
    alone = _PLACEHOLDER.fullmatch(word)
    value = values[alone[1]] if alone else None
    if alone and (value is None or isinstance(value, list)):
        yield from (_text(alone[1], each) for each in value or ())
    else:
        yield _PLACEHOLDER.sub(lambda found: _text(found[1], values[found[1]]), word)


def _text(name: str, value: object) -> str:
    text = argument_text(value)
    if text is None:
        raise ValueError(f"task.{name} must be text, a number, true or false where it is part of a word")
    return text


def script_in(words: Sequence[str]) -> str | None:
    """Return the Python script that a command runs: its first word that ends in `.py`; None if there is none."""
    return next((word for word in words if word.endswith(SUFFIX) and not word.startswith("-")), None)


def module_in(words: Sequence[str]) -> str | None:
    """Return the module that a command runs by `python -m`; None if it runs none."""
    at = words.index("-m") + 1 if "-m" in words[:-1] else 0
    is_python = PurePath(words[0]).name.startswith("python")
    return words[at] if at and is_python and all(map(str.isidentifier, words[at].split("."))) else None


def is_plain_script(words: Sequence[str]) -> bool:
    """Return whether a command is `python X.py ...`: then sweep can run the script itself."""
    return len(words) > 1 and PurePath(words[0]).name.startswith("python") and words[1].endswith(SUFFIX)


def title_of(words: Sequence[str]) -> str:
    """Return what a study of a command is called: after its script, its module, or its program."""
    module = module_in(words)
    name = module.rpartition(".")[2] if module else script_in(words) or PurePath(words[0]).name
    return stem_of(name)


class PrintedSteps:
    """Gives each line that a program prints its step in the run.

    It is the line's own counter: a step or iteration, else, as long as none was printed, an epoch. Of a program that
    prints neither the lines are counted. A counter that begins again, as in each epoch, goes on from where it was.
    """

    def __init__(self) -> None:
        self._unit: str | None = None  # the counter that counts: once there was one for steps, no epoch does
        self._last = self._offset = 0
        self._lines = 0

    def of_line(self, counters: Mapping[str, int]) -> int:
        """Return the step of the next line that has metrics or counters; never less than the one before."""
        self._lines += 1
        unit = next((name for name in (*_STEPS, _BATCH) if name in counters), None)
        if unit is None and self._unit in (None, _EPOCH) and _EPOCH in counters:
            unit = _EPOCH
        if unit is None:
            return self._step() if self._unit else self._lines
        if self._unit == _EPOCH and unit != _EPOCH:  # steps go on from the epochs before them
            self._offset, self._last = self._step(), 0
        value = counters[unit]
        if value < self._last:
            self._offset += self._last
        self._unit, self._last = unit, value
        return self._step()

    def _step(self) -> int:
        return self._offset + self._last
