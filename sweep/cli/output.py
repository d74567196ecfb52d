"""How verbs print: records as plain data, JSON for programs, rich text for people."""

import json
import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from sweep.domain.axis import Cell
from sweep.domain.printable import printable
from sweep.rundir.events import number_text

_PADDING = re.compile(r"[ ]+(?=\n)")


class Printer(Console):
    """A console for what people read: control characters in it are spelled out, and a pipe gets no padding.

    If its reader goes away it raises BrokenPipeError; rich would end the program with code 1.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is printed: whatever a task wrote, nothing in it acts on the terminal."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does; in a pipe or a file, lines end where their text ends."""
        if self.is_terminal:
            super().print(*objects, **options)
            return
        with self.capture() as captured:
            super().print(*objects, **options)
        try:
            self.file.write(_PADDING.sub("", captured.get()))
            self.file.flush()
        except BrokenPipeError:
            self.on_broken_pipe()

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
