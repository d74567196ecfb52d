"""Which line of the program called: for names of losses, and for the parts in an inventory."""

import sys
from pathlib import Path
from types import CodeType, FrameType

_OURS = f"{Path(__file__).parents[1]}/"
_INSTALLED = ("/site-packages/", "/dist-packages/")


class CallSites:
    """Finds the program's line behind a call. Each of `folders` holds the program's own files, or copies of them."""

    def __init__(self, *folders: Path) -> None:
        self._prefixes = tuple(f"{folder.absolute()}/" for folder in folders)
        self._known: dict[int, tuple[CodeType, dict[int, str] | None]] = {}  # by id; places by instruction, if its own

    def here(self) -> str | None:
        """Return the innermost line of the program's own files on the stack, as `train.py:23`; None without one.

        Installed packages inside the folder (a virtual environment) are not its own files, and neither is sweep, if the
        folder has a checkout of it. Costs about 0.1 us for each
        frame, and ten times that for one that was not seen before.
        """
        return self.above(sys._getframe(1))

    def above(self, frame: FrameType | None) -> str | None:
        """Return the innermost line of the program's own files at this frame or above it; None without one."""
        while frame is not None:
            code = frame.f_code
            _, places = self._known.get(id(code)) or self._classified(code)
            if places is not None:
                place = places.get(frame.f_lasti)
                if place is None:
                    place = places[frame.f_lasti] = f"{self._relative(code.co_filename)}:{frame.f_lineno}"
                return place
            frame = frame.f_back
        return None

    def is_own(self, frame: FrameType) -> bool:
        """Return whether a frame is of the program's own files."""
        return self._classified(frame.f_code)[1] is not None

    def _classified(self, code: CodeType) -> tuple[CodeType, dict[int, str] | None]:
        """Return a code's entry, made if there is none. It holds the code, so that no other gets its id."""
        entry = self._known.get(id(code))
        if entry is None:
            file = code.co_filename
            is_own = file.startswith(self._prefixes) and not file.startswith(_OURS)
            is_own = is_own and not any(part in file for part in _INSTALLED)
            entry = self._known[id(code)] = code, {} if is_own else None
        return entry

    def _relative(self, file: str) -> str:
        return file.removeprefix(next(prefix for prefix in self._prefixes if file.startswith(prefix)))

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
