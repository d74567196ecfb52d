"""What people copy from a terminal: overrides and commands, each in one line however narrow it is."""

import shlex
from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text


def recommended_lines(recommended: Mapping[str, Any]) -> list[RenderableType]:
    """Return the lines with the overrides to use and the command that applies them; none where there are none."""
    if not recommended["overrides"]:
        return []
    use = Text.assemble(("use  ", "dim"), (shlex.join(recommended["overrides"]), "bold"))
    return [_whole(use), *command_lines("apply it", recommended["command"])]


def command_lines(label: str, command: str) -> list[RenderableType]:
    """Return a command under its label, in one line however narrow the terminal: to be printed without cropping."""
    return [Text(f"{label}:", style="dim"), _whole(Text(f"  {command}"))]


def _whole(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ignore"
    return text
