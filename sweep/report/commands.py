"""Commands to paste: to apply a repair, to reproduce a trial, and to run the seeds that would decide."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from sweep.config.stores import is_same_store, store_option, without_default_store
from sweep.domain.axis import Axis, Cell
from sweep.domain.script_words import folded
from sweep.domain.trial import StudyRecord

if TYPE_CHECKING:
    from sweep.report.data import ReportData

PROGRAM = ("python", "-m", "sweep")

QUESTION_KEYS = frozenset(
    {
        "ablation",
        "axes",
        "axis",
        "check",
        "confirm",
        "diagnose",
        "driver",
        "params",
        "probe",
        "regression",
        "search",
        "stages",
        "study",
    }
)
"""Config keys for what to vary; a command that runs one fixed setting leaves them out."""

_OVERRIDE = re.compile(r"^[+~]{0,2}([\w@./-]+)(=|$)")


def command_text(words: Iterable[str]) -> str:
    """Return the line to paste that runs a study with these overrides and options; a script as it is typed."""
    return shlex.join([*PROGRAM, *folded(words)])


def arguments(command: Sequence[str]) -> list[str]:
    """Return the overrides and options of a study's command, without the program before them."""
    words = list(command)
    if "-m" in words[:-1] and words[words.index("-m") + 1] == "sweep":
        words = words[words.index("-m") + 2 :]
    elif words and PurePath(words[0]).name in ("sweep", "__main__.py"):
        words = words[1:]
    return words


def own_words(study: StudyRecord) -> list[str]:
    """Return the overrides and options of a study's command, without a `store.url` that is the default anyway."""
    return list(without_default_store(arguments(study.command), study.config.results))


def verb_store(study: StudyRecord) -> str:
    """Return ` --store URL`, to append to a verb about a study; empty if verbs find its store without it.

    The URL is as typed if that still names the store, which may have been moved since.
    """
    typed = study.config.store_url or study.store
    url = typed if not study.store or is_same_store(typed, study.store) else study.store
    return store_option(url) if url else ""


def key_of(word: str) -> str | None:
    """Return the config key that an override sets (`+axes.lr=...` -> `axes.lr`), None for an option such as -h."""
    match = _OVERRIDE.match(word)
    return None if word.startswith("-") or match is None else match.group(1)


def section_of(word: str) -> str | None:
    """Return the section of the config that an override sets, in any of its forms; None for an option.

    `+axes.lr=...`, `~axes.lr`, `+driver/x=1` and `driver@driver=optuna` are about `axes`, `axes`, `driver`, `driver`.
    """
    key = key_of(word)
    return None if key is None else re.split(r"[.@/]", key)[0]


def overrides_of(cell: Cell, axes: Sequence[Axis], known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the Hydra overrides that make a cell from the base."""
    if cell.key in known:
        return known[cell.key]
    found: list[str] = []
    for axis in axes:
        for level in axis.levels:
            if level.name == cell.level_of(axis.name):
                found += level.overrides
    return (*found, *(f"{key}={value}" for key, value in cell.params))


def fixed_command(study: StudyRecord, overrides: Iterable[str], *, seeds: Sequence[int] | None = None) -> str:
    """Return the command that runs the base with these overrides: the study's command, without what it varied.

    It runs the study's seeds unless `seeds` are given.
    """
    overrides = _as_added(study, overrides)
    replaced = {key_of(override) for override in overrides} | ({"seeds"} if seeds is not None else set())
    kept = [
        word
        for word in own_words(study)
        if (key := key_of(word)) is None or (key not in replaced and section_of(word) not in QUESTION_KEYS)
    ]
    if not any(key_of(word) == "task" for word in kept):
        kept.insert(0, f"task={study.task}")
    if seeds is not None:
        overrides.append(f"seeds=[{','.join(str(seed) for seed in seeds)}]")
    return command_text([*kept, *overrides])


def _as_added(study: StudyRecord, overrides: Iterable[str]) -> list[str]:
    """Return overrides that add a key where the study's command does: `+task.lr=1` is replaced by `+task.lr=2`."""
    added = {key_of(word) for word in own_words(study) if word.startswith("+") and not word.startswith("++")}
    return [f"+{each}" if key_of(each) in added and each[0] not in "+~" else each for each in overrides]


def study_command(data: "ReportData", extra: Sequence[str] = ()) -> str:
    """Return the study's command with `extra` settings, which replace earlier ones of the same key."""
    replaced = {key_of(word) for word in extra}
    kept = [word for word in own_words(data.study) if key_of(word) is None or key_of(word) not in replaced]
    return command_text([*kept, *extra])
