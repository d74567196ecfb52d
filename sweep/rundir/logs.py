"""What a trial printed, prepared for reading. The file itself is never changed."""

from collections.abc import Iterable, Iterator

NOISE = "UserWarning: No ccache found."
"""Paddle 3 prints this when it is imported on a machine without ccache, with the source line that warns."""


def readable_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield a log's lines without Paddle's warning about ccache, which starts the log of every Paddle task."""
    is_after = False
    for line in lines:
        if NOISE in line:
            is_after = True
            continue
        if not (is_after and line.lstrip().startswith("warnings.warn(")):
            yield line
        is_after = False
