"""A script on the command line: `train.py OVERRIDES -- ARGUMENTS`, and what to say where it was meant."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from sweep.domain.script_words import END, SUFFIX, expanded, is_bare, is_script, own_words
from sweep.errors import UsageError

NOTEBOOK = ".ipynb"
_PROGRAM = ("python", "-m", "sweep")
_SHOWN = 8


def as_overrides(arguments: Sequence[str]) -> list[str]:
    """Return a command line with its script and the script's arguments as overrides. Raises UsageError."""
    words = expanded(arguments)
    for word in own_words(words):
        if word.endswith(NOTEBOOK) and is_bare(word):
            _refuse_notebook(word)
    return words


def check_option(option: str, arguments: Sequence[str]) -> None:
    """Raise UsageError if an option that sweep does not have may be meant for the script of this command line."""
    ours = own_words(arguments)
    script = next((word for word in ours if is_script(word)), None)
    if script is None:
        return
    at = next(at for at, word in enumerate(ours) if word.startswith(option))
    behind = [word for word in ours[at:] if word != script]
    words = [*_PROGRAM, *(word for word in ours if word not in behind), END, *behind]
    raise UsageError(f"sweep has no option {option}; a script's own options follow {END}", hint=shlex.join(words))


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
