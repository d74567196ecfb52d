"""How verbs print what people read."""

import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from sweep.domain.printable import printable

_PADDING = re.compile(r"[ ]+(?=\n)")


class Printer(Console):
    """A console for what people read: control characters in it are spelled out, and a pipe gets no padding.

    If its reader goes away it raises BrokenPipeError; rich would end the program with code 1.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is printed, with control characters of a task's text spelled out."""
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
        """Raise BrokenPipeError, which `main` and `ResilientProgress` handle: stdout is closed."""
        raise BrokenPipeError


def print_whole(text: str) -> None:
    """Print words with a command in them: a terminal may break its lines, and copies them whole."""
    Printer().print(Text(text), soft_wrap=True)


def print_rich(what: RenderableType) -> int:
    """Print text for people without cutting what is wider than the terminal; return the exit code 0."""
    Printer().print(what, crop=False)
    return 0
