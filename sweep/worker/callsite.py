"""Which line of the program called: for names of losses, and for the parts in an inventory."""

import sys
from pathlib import Path
from types import FrameType


class CallSites:
    """Finds the program's line behind a call. `folder` holds the program's own files."""

    def __init__(self, folder: Path) -> None:
        self._prefix = f"{folder.absolute()}/"

    def here(self) -> str | None:
        """Return the innermost line of the program's own files on the stack, as `train.py:23`; None without one.

        Installed packages inside the folder (a virtual environment) are not its own files. Costs about 1 us for each
        frame, so call it when something is made, not at each step.
        """
        return self.above(sys._getframe(1))

    def above(self, frame: FrameType | None) -> str | None:
        """Return the innermost line of the program's own files at this frame or above it; None without one."""
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(self._prefix) and "/site-packages/" not in file:
                return f"{file.removeprefix(self._prefix)}:{frame.f_lineno}"
            frame = frame.f_back
        return None
