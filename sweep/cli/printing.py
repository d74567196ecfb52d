"""Human-readable output of the verbs."""

import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from sweep.domain.printable import printable

_PADDING = re.compile(r"[ ]+(?=\n)")


class Printer(Console):
    """A console that escapes control characters, and writes no padding to a pipe or a file.

    Raises BrokenPipeError if the reader closes the pipe; rich would exit with code 1.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments, with control characters in a task's text escaped."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does; lines in a pipe or a file have no trailing spaces."""
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
    """Print text with a command in it without line breaks, so that it can be copied from a terminal in one piece."""
    Printer().print(Text(text), soft_wrap=True)


def print_rich(what: RenderableType) -> int:
    """Print without cropping lines that are wider than the terminal; return the exit code 0."""
    Printer().print(what, crop=False)
    return 0
