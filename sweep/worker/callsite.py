"""Which line of the program called: for names of losses, and for the parts in an inventory."""

import sys
from pathlib import Path
from types import FrameType


class CallSites:
    """Finds the program's line behind a call. Each of `folders` holds the program's own files, or copies of them."""

    def __init__(self, *folders: Path) -> None:
        self._prefixes = tuple(f"{folder.absolute()}/" for folder in folders)

    def here(self) -> str | None:
        """Return the innermost line of the program's own files on the stack, as `train.py:23`; None without one.

        Installed packages inside the folder (a virtual environment) are not its own files. Costs about 1 us for each
        frame, so call it when something is made, not at each step.
        """
        return self.above(sys._getframe(1))

    def above(self, frame: FrameType | None) -> str | None:
        """Return the innermost line of the program's own files at this frame or above it; None without one."""
        while frame is not None:
            if self.is_own(frame):
                file = frame.f_code.co_filename
                prefix = next(prefix for prefix in self._prefixes if file.startswith(prefix))
                return f"{file.removeprefix(prefix)}:{frame.f_lineno}"
            frame = frame.f_back
        return None

    def is_own(self, frame: FrameType) -> bool:
        """Return whether a frame is of the program's own files."""
        file = frame.f_code.co_filename
        return file.startswith(self._prefixes) and "/site-packages/" not in file

    def maker_of(self, made: object) -> str | None:
        """Return the program's line that makes an object, asked within its constructor; None without one.

        Lines of the constructor itself, if the class is the program's own, do not count.
        """
        frame: FrameType | None = sys._getframe(1)
        above = frame
        while frame is not None:
            names = frame.f_code.co_varnames
            if names and frame.f_locals.get(names[0]) is made:
                above = frame.f_back
            frame = frame.f_back
        return self.above(above)
