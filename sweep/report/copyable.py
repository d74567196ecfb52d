"""Overrides and commands to copy from a terminal, each in one line at any width."""

import shlex

from rich.console import RenderableType
from rich.text import Text

from sweep.report.headings import Recommended


def recommended_lines(recommended: Recommended) -> list[RenderableType]:
    """Return the lines with the overrides to use and the command that applies them; none without a recommendation."""
    first, *ties = uses(recommended)
    command = recommended.command
    if not first or command is None:
        return []
    if ties:
        lines = [_use("use one of  ", first), *(_use(" " * len("use one of  "), other) for other in ties)]
        return [*lines, *command_lines("apply the first", command)]
    why = f"  ({recommended.reason})" if recommended.reason else ""
    return [_use("use  ", first, why), *command_lines("apply it", command)]


def uses(recommended: Recommended) -> list[str]:
    """Return the overrides to paste: the recommended ones, then those that tie with them."""
    return [shlex.join(each) for each in (recommended.overrides, *recommended.ties)]


def _use(label: str, overrides: str, why: str = "") -> Text:
    return _whole(Text.assemble((label, "dim"), (overrides, "bold"), (why, "dim")))


def command_lines(label: str, command: str) -> list[RenderableType]:
    """Return a command below its label, in one line at any width of the terminal. Print it without cropping."""
    return [Text(f"{label}:", style="dim"), _whole(Text(f"  {command}"))]


def _whole(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ignore"
    return text
