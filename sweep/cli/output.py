"""How verbs print: records as plain data, JSON for programs, rich text for people."""

import json
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from sweep.domain.axis import Cell
from sweep.rundir.events import number_text


class Printer(Console):
    """A console whose reader may go away: that raises BrokenPipeError, where rich would end the program with code 1."""

    def on_broken_pipe(self) -> None:
        """Raise what `main` and `Audience` know: nobody reads any more."""
        raise BrokenPipeError


def plain(value: Any) -> Any:
    """Return records as JSON can say them: cells by their key, times as ISO 8601, NaN and infinities by name."""
    if isinstance(value, Cell):
        return value.key
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return number_text(value) if isinstance(value, float) else value


def print_json(data: object) -> int:
    """Print data as strict JSON; return the exit code 0."""
    print(json.dumps(data, indent=2, allow_nan=False))
    return 0


def print_whole(text: str) -> None:
    """Print words with a command in them: a terminal may break its lines, and copies them whole."""
    Printer().print(Text(text), soft_wrap=True)


def print_rich(what: RenderableType) -> int:
    """Print what a person reads, nothing cut off that is wider than the terminal; return the exit code 0."""
    Printer().print(what, crop=False)
    return 0
