"""A copy of a program's folder, where no overlay can be mounted: small files are copied, large ones are links.

Nothing is written through a link by Python's own functions: before they write, the link becomes a copy. What other code
writes is found afterwards, by comparing the originals.
"""

import os
import shutil
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SMALL_BYTES = 1 << 20
"""Largest file that is copied."""
COPIED_MOST = 2000
"""Maximum number of files and links made; folders beyond it are links."""
LINKED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "venv"})
"""Names of folders that are links: large, and rarely written to by a training."""

_Status = tuple[int, int, int]


@dataclass(slots=True)
class CopiedFolder:
    """The copy of `folder` at `place`, without the `hidden` paths. Make it with `fill`."""

    folder: Path
    place: Path
    hidden: frozenset[Path]
    _originals: dict[Path, _Status] = field(default_factory=dict)  # of files, by their path
    _made: dict[Path, _Status] = field(default_factory=dict)  # copies that nothing has changed
    _number: int = 0

    def fill(self) -> None:
        """Copy and link, nearest files first. Raises OSError."""
        waiting = deque([Path()])
        while waiting:
            inside = waiting.popleft()
            (self.place / inside).mkdir(parents=True, exist_ok=True)
            with os.scandir(self.folder / inside) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if entry.is_dir(follow_symlinks=False) and not self._is_linked(entry):
                        if Path(entry.path) not in self.hidden:
                            waiting.append(inside / entry.name)
                    elif Path(entry.path) not in self.hidden:
                        self._take(entry, self.place / inside / entry.name)

    def own(self, path: str) -> None:
        """Replace the links on the way to a path of the copy, and at its end, by copies: it will be written to."""
        inside = Path(path).relative_to(self.place)
        for part in [*reversed(inside.parents), inside]:
            link = self.place / part
            if not link.is_symlink() or not (target := self._target(link)):
                continue
            link.unlink()
            if target.is_dir():
                link.mkdir()
                for name in os.listdir(target):  # noqa: PTH208
                    self._link(target / name, link / name)
            else:
                shutil.copy2(target, link)

    def changed(self) -> list[Path]:
        """Return the originals that are no longer as they were when they were copied or linked."""
        return [path for path, status in self._originals.items() if _status_of(path) != status]

    def prune(self) -> None:
        """Remove links to originals, copies that nothing has changed, and folders that are empty then. Never raises."""
        for path, status in self._made.items():
            if _status_of(path) == status and not path.is_symlink():
                with suppress(OSError):
                    path.unlink()
        for top, _, _ in os.walk(self.place, topdown=False):
            for name in os.listdir(top):  # noqa: PTH208
                with suppress(OSError):
                    if (entry := Path(top) / name).is_symlink() and self._target(entry):
                        entry.unlink()
            with suppress(OSError):
                Path(top).rmdir()

    def _is_linked(self, entry: "os.DirEntry[str]") -> bool:
        return entry.name in LINKED or self._number > COPIED_MOST or (Path(entry.path) / "pyvenv.cfg").exists()

    def _take(self, entry: "os.DirEntry[str]", place: Path) -> None:
        self._number += 1
        source = Path(entry.path)
        if entry.is_symlink():
            target = Path(entry.path).readlink()
            place.symlink_to(target if target.is_absolute() else source.parent / target)
        elif entry.is_file() and entry.stat().st_size <= SMALL_BYTES and self._number <= COPIED_MOST:
            self._remember(source)
            with suppress(OSError):  # a file that may not be read
                shutil.copy2(source, place)
                if (status := _status_of(place)) is not None:
                    self._made[place] = status
        else:
            self._link(source, place)

    def _link(self, source: Path, place: Path) -> None:
        if source.is_file():
            self._remember(source)
        place.symlink_to(source)

    def _remember(self, path: Path) -> None:
        if (status := _status_of(path)) is not None:
            self._originals[path] = status

    def _target(self, link: Path) -> Path | None:
        """Return where a link into the original folder leads; None for any other link."""
        target = link.readlink()
        return target if target.is_absolute() and target.is_relative_to(self.folder) and target.exists() else None


def _status_of(path: Path) -> _Status | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
