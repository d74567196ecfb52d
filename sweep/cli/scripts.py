"""A script on the command line: `train.py OVERRIDES -- ARGUMENTS`, and what to say where it was meant."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from sweep.domain.script_words import END, SUFFIX, WITH_VALUE, expanded, is_bare, is_script, own_words
from sweep.errors import UsageError

NOTEBOOK = ".ipynb"
_PROGRAM = ("python", "-m", "sweep")
_SHOWN = 8
CFG_KINDS = ("job", "all", "hydra")
"""Values of Hydra's `--cfg`. sweep has no `hydra` section, so `all` is `job`."""


def as_overrides(arguments: Sequence[str]) -> list[str]:
    """Return a command line with its script and the script's arguments as overrides. Raises UsageError."""
    words = expanded(arguments)
    ours = own_words(arguments)
    before = ["", *ours]
    for at, word in enumerate(ours):
        is_value = before[at] in WITH_VALUE or (before[at] in ("--cfg", "-c") and word in CFG_KINDS)
        if is_bare(word) and not is_script(word) and not is_value:
            is_option = before[at].startswith("-") and before[at] not in ("--cfg", "-c", "--json")
            check_own_argument(ours, at - 1 if is_option else at)
            check_no_program(word, ())
    return words


def check_own_argument(ours: Sequence[str], at: int) -> None:
    """Raise UsageError if the word at this place may be meant for the script in front of it."""
    if any(map(is_script, ours[:at])):
        raise UsageError(
            f"{ours[at]}: neither an override nor an option of sweep; a script's own arguments follow {END}",
            hint=shlex.join([*_PROGRAM, *ours[:at], END, *ours[at:]]),
        )


def check_option(option: str, arguments: Sequence[str]) -> None:
    """Raise UsageError if an option that sweep does not have may be meant for the script of this command line."""
    ours = own_words(arguments)
    check_own_argument(ours, next((at for at, word in enumerate(ours) if word.startswith(option)), 0))


def check_no_program(word: str, rest: Sequence[str]) -> None:
    """Raise UsageError if a first word that is no verb names a program's file or folder."""
    if word.endswith(NOTEBOOK):
        _refuse_notebook(word)
    path = Path(word)
    if path.is_dir():
        found = sorted(str(path / file.name) for file in path.glob(f"*{SUFFIX}"))
        near = f"{found[0]}" if found else f"{word.rstrip('/')}/train.py"
        names = f"\n  scripts in it: {', '.join(found[:_SHOWN])}" if found else ""
        raise UsageError(f"{word} is a folder: name the script to run{names}", hint=_command(near, rest))
    if Path(f"{word}{SUFFIX}").is_file():
        raise UsageError(
            f"{word} is not a verb; the script is called {word}{SUFFIX}", hint=_command(word + SUFFIX, rest)
        )
    if path.is_file():
        raise UsageError(
            f"{word} is a file, but not a Python script",
            hint="for a program of another kind: "
            + shlex.join([*_PROGRAM, "task=command", f"task.command=[{word},OPTIONS]", "converge.budget_steps=STEPS"]),
        )


def _refuse_notebook(word: str) -> NoReturn:
    script = word.removesuffix(NOTEBOOK) + SUFFIX
    is_made = Path(script).is_file()
    made = "" if is_made else f"jupyter nbconvert --to script {shlex.quote(word)} && "
    raise UsageError(f"{word} is a notebook, not a script", hint=made + _command(script, ()))


def _command(script: str, rest: Sequence[str]) -> str:
    return shlex.join([*_PROGRAM, script, *rest])
