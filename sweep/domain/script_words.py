"""`train.py OVERRIDES -- ARGS`: a command line that begins with a script, and the overrides that it is short for.

A study's command is recorded as overrides: whatever adds, drops or replaces words of it need not know about scripts.
Shown to the user it is `train.py ... -- ARGS` again.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from sweep.errors import UsageError

SUFFIX = ".py"
END = "--"
"""What separates sweep's own words from the arguments of a script."""

_TASK = "task=script"
_PATH = "task.path="
_ARGS = "task.args="
WITH_VALUE = frozenset({"--config-dir", "-cd", "--package", "-p", "--log-level"})
"""Options of sweep that another word follows."""

_BARE = re.compile(r"[\w./-]+", re.ASCII)
_REFERENCE = re.compile(r"(\\*)\$\{")
_QUOTE = re.compile(r"(\\*)('|\Z)")


def is_script(word: str) -> bool:
    """Return whether a word of a command line is a script to run: it ends in `.py`, and is no option or override."""
    return word.endswith(SUFFIX) and is_bare(word)


def is_bare(word: str) -> bool:
    """Return whether a word of a command line is neither an option nor an override."""
    return "=" not in word and word[:1] not in ("-", "+", "~")


def own_words(words: Sequence[str]) -> list[str]:
    """Return the words of a command line before `--`: those after it are a script's own."""
    words = list(words)
    return words[: words.index(END)] if END in words else words


def expanded(words: Sequence[str]) -> list[str]:
    """Return a command line in which a script and its arguments are overrides, the others as they are.

    Raises UsageError for two scripts, for `--` without a script, and for arguments given in two ways.
    """
    ours = own_words(words)
    args = list(words)[len(ours) + 1 :]
    is_ended = len(ours) < len(words)
    before = ["", *ours]
    scripts = [at for at, word in enumerate(ours) if is_script(word) and before[at] not in WITH_VALUE]
    if len(scripts) > 1:
        names = " and ".join(ours[at] for at in scripts)
        hint = f"its own arguments follow {END}: python -m sweep {ours[scripts[0]]} {END} ARGUMENTS"
        raise UsageError(f"a study runs one script, not {names}", hint=hint)
    if scripts:
        at = scripts[0]
        chosen = [word for word in ours if word.startswith(("task=", _PATH))]
        if chosen:
            raise UsageError(f"{ours[at]} names the task, and {chosen[0]} too", hint=f"leave out {chosen[0]}")
        ours[at : at + 1] = [_TASK, _PATH + quoted_if_needed(ours[at])]
    elif is_ended and not any(word.startswith(("task=", _PATH)) for word in ours):
        raise UsageError(
            f"{END} without a script: what follows it are the arguments of one",
            hint=f"python -m sweep train.py {END} {' '.join(args[:3]) or '--epochs 3'}",
        )
    if not is_ended or not args:
        return ours
    if any(word.lstrip("+").startswith(_ARGS) for word in ours):
        raise UsageError(f"the script's arguments are given by task.args= and after {END}", hint="use one of them")
    at = next((at + 1 for at, word in enumerate(ours) if word.startswith(_PATH)), len(ours))
    return [*ours[:at], _ARGS + quoted_list(args), *ours[at:]]


def folded(words: Iterable[str]) -> list[str]:
    """Return a command line with its script and the script's arguments as a user types them: `train.py ... -- ARGS`.

    Words that no command of ours has written, such as `task.args=[1]`, stay as they are.
    """
    words = list(words)
    if END in words:
        return words
    paths = [word for word in words if word.startswith(_PATH)]
    if words.count(_TASK) != 1 or len(paths) != 1:
        return words
    path = unquoted(paths[0].removeprefix(_PATH))
    if not is_script(path):
        return words
    args = [word for word in words if word.startswith(_ARGS)]
    texts = unquoted_list(args[0].removeprefix(_ARGS)) if len(args) == 1 else None
    shown = [path if word == _TASK else word for word in words if word != paths[0]]
    if texts is None:
        return shown
    return [*(word for word in shown if word != args[0]), *([END, *texts] if texts else [])]


def quoted_if_needed(text: str) -> str:
    """Return a text as a value of an override, quoted only where Hydra would read it as something else."""
    return text if _BARE.fullmatch(text) and text[:1] != "-" else quoted(text)


def quoted(text: str) -> str:
    """Return a text as a quoted value of an override, so that exactly this text is read: no reference (`${...}`)
    is resolved in it."""
    kept = _REFERENCE.sub(lambda found: found[1] * 2 + "\\${", text)
    # Hydra takes a backslash as it is, but before a quote, and so at the end of the text, it must be doubled.
    return f"'{_QUOTE.sub(lambda found: found[1] * 2 + (found[2] and chr(92) + found[2]), kept)}'"


def quoted_list(texts: Iterable[str]) -> str:
    """Return texts as a list in an override."""
    return f"[{','.join(map(quoted, texts))}]"


def unquoted(value: str) -> str:
    """Return the text that `quoted_if_needed` made this value of."""
    if len(value) < 2 or value[0] != "'" or value[-1] != "'":
        return value
    kept = re.sub(r"(\\+)('|\Z)", lambda found: found[1][: len(found[1]) // 2] + found[2], value[1:-1])
    return re.sub(r"(\\+)\$\{", lambda found: found[1][: len(found[1]) // 2] + "${", kept)


def unquoted_list(value: str) -> list[str] | None:
    """Return the texts that `quoted_list` made this value of; None for a value that it did not make."""
    if not value.startswith("[") or not value.endswith("]"):
        return None
    texts: list[str] = []
    at = 1
    while value[at] == "'":
        end = _end_of_text(value, at)
        if end is None:
            return None
        texts.append(unquoted(value[at:end]))
        if value[end] != ",":
            at = end
            break
        at = end + 1
    return texts if at == len(value) - 1 and quoted_list(texts) == value else None


def _end_of_text(value: str, start: int) -> int | None:
    """Return the position after the closing quote of the text that begins at `start`; None if it is not closed."""
    for found in re.finditer(r"(\\*)'", value[start + 1 :]):
        if len(found[1]) % 2 == 0:
            return start + 1 + found.end()
    return None


def argument_text(value: object) -> str | None:
    """Return a value of a config as one argument of a program: a number as YAML writes it, true, false; None for null
    and for a list or section, which are no argument."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return None


def stem_of(path: str) -> str:
    """Return the name of a script without its folder and `.py`, with characters that a folder's name can have."""
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", PurePath(path).name.removesuffix(SUFFIX)).strip("_.-")
    return stem[:60] or "script"
