"""Gives a program a private view of its folders: what it writes, changes or deletes there stays in the run's folder.

An overlay where the kernel allows it (overlay.py), else a copy (copied.py). The program sees neither sweep's studies
nor the folder of its own run, which this process reaches through an open descriptor.
"""

import atexit
import fcntl
import importlib
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sweep.domain.views import ViewKind
from sweep.rundir import RunDir
from sweep.rundir.paths import studies_beside, written_in
from sweep.worker.script.copied import CopiedFolder
from sweep.worker.script.overlay import Layer, clear_layer, mount_layers, remove_tree, unmount_layers
from sweep.worker.script.writes import on_write

DESCRIPTOR_FROM = 200
"""Descriptors from here on hold the run's folder: programs close low ones, to leave only their own."""
OUTSIDE_MOST = 10
"""Maximum number of folders outside of the program's that are named after it wrote to them."""
_NOT_NAMED = ("/dev/", "/proc/", "/sys/")


@dataclass(slots=True)
class View:
    """A program's view of its `folders`. `run` is the run's folder as this process reaches it."""

    run: RunDir
    folders: tuple[Path, ...]
    kind: ViewKind
    why: str = ""  # why there is no overlay
    _layers: tuple[Layer, ...] = ()
    _copies: tuple[CopiedFolder, ...] = ()
    _outside: dict[str, None] = field(default_factory=dict)

    def inside(self, path: Path) -> Path:
        """Return where a path of the user's is for the program: elsewhere only in a copy."""
        if not self._copies:
            return path
        path = Path(os.path.realpath(path.parent)) / path.name
        for copy in self._copies:
            if path.is_relative_to(copy.folder) and not path.is_relative_to(copy.place):
                return copy.place / path.relative_to(copy.folder)
        return path

    def begin(self) -> None:
        """Make the current folder, and the folders to import from, those of the view."""
        here = Path.cwd()
        os.chdir(self.inside(Path(os.path.realpath(here))) if self._copies else here)
        sys.path[:] = [str(self.inside(Path(entry))) for entry in sys.path]
        sys.path_importer_cache.clear()
        importlib.invalidate_caches()

    def notes(self) -> list[str]:
        """Return what a user should know about it, as far as the program has come."""
        notes = []
        if self.kind is ViewKind.COPY:
            notes.append(f"it ran in a copy of its folder, because no overlay could be mounted over it ({self.why})")
        if self.kind is ViewKind.NONE:
            notes.append(f"it ran in its own folder, which could not even be copied ({self.why})")
        if changed := [str(path) for copy in self._copies for path in copy.changed()]:
            notes.append(f"files of the original folder have changed while it ran: {', '.join(changed[:OUTSIDE_MOST])}")
        if self._outside:
            notes.append(f"it wrote outside of its folder, for real: {', '.join(self._outside)}")
        return notes

    def undo(self) -> bool:
        """Take the view away with all that was written; return False if it cannot be."""
        os.chdir("/")
        if not unmount_layers([layer.folder for layer in self._layers]):
            return False
        for path in (*(layer.upper for layer in self._layers), *(layer.work for layer in self._layers)):
            remove_tree(path)
        for copy in self._copies:
            remove_tree(copy.place)
        return True

    def close(self) -> None:
        """Remove what is of no use after the run. What the program has written stays."""
        for layer in self._layers:
            clear_layer(layer)
        for copy in self._copies:
            copy.prune()

    def see_write(self, path: str) -> None:
        """Act before the program writes to an absolute path."""
        for copy in self._copies:
            if path.startswith(f"{copy.place}/"):
                copy.own(path)
        real = os.path.realpath(path)
        own = [*self.folders, *(copy.place for copy in self._copies), _temporary_folder()]
        is_named = not real.startswith(_NOT_NAMED) and not any(real.startswith(f"{folder}/") for folder in own)
        if is_named and len(self._outside) < OUTSIDE_MOST:
            self._outside[os.path.dirname(real)] = None  # noqa: PTH120


def _temporary_folder() -> str:
    """Return the folder for temporary files. `gettempdir` holds a lock while it opens files, which leads here again."""
    return tempfile.tempdir or os.environ.get("TMPDIR") or "/tmp"


def enter_view(script: Path, run: RunDir) -> View:
    """Give this process a private view of the script's folder and of the current one. Call it before any thread starts,
    and `begin` before the program.
    """
    here = Path.cwd()
    folders = _outermost([Path(os.path.realpath(folder)) for folder in (script.parent, here)])
    hidden = studies_beside(run)
    places = [written_in(run, number) for number in range(1, len(folders) + 1)]
    reached = _by_descriptor(run)
    view = _overlaid(folders, places, hidden, reached)
    if view.kind is ViewKind.NONE:
        view = _copied(folders, places, hidden, reached, view.why)
    on_write(view.see_write)
    pid = os.getpid()
    atexit.register(lambda: view.close() if os.getpid() == pid else None)
    return view


def _overlaid(folders: Sequence[Path], places: Sequence[Path], hidden: Sequence[Path], run: RunDir) -> View:
    layers = tuple(
        Layer(
            folder=folder,
            upper=place,
            work=place.with_name(f".{place.name}.work"),
            hidden=tuple(path for path in hidden if path.is_relative_to(folder) and path != folder),
        )
        for folder, place in zip(folders, places, strict=True)
    )
    try:
        if Path("/") in folders:
            raise OSError(0, "its folder is /")
        mount_layers(layers)
    except OSError as error:
        for layer in layers:
            remove_tree(layer.work)
            remove_tree(layer.upper)
        return View(run, tuple(folders), ViewKind.NONE, why=error.strerror or str(error))
    through = tuple(
        replace(layer, upper=run.path / layer.upper.name, work=run.path / layer.work.name) for layer in layers
    )
    return View(run, tuple(folders), ViewKind.OVERLAY, _layers=through)


def _copied(folders: Sequence[Path], places: Sequence[Path], hidden: Sequence[Path], run: RunDir, why: str) -> View:
    copies = tuple(
        CopiedFolder(folder, place, frozenset(hidden)) for folder, place in zip(folders, places, strict=True)
    )
    try:
        if Path("/") in folders:
            raise OSError(0, "its folder is /")
        for copy in copies:
            copy.fill()
    except OSError as error:
        for place in places:
            remove_tree(place)
        return View(run, tuple(folders), ViewKind.NONE, why=f"{why}; {error.strerror or error}")
    return View(run, tuple(folders), ViewKind.COPY, why=why, _copies=copies)


def _outermost(folders: Sequence[Path]) -> list[Path]:
    """Return the folders that are in no other one."""
    distinct = list(dict.fromkeys(folders))
    return [one for one in distinct if not any(one != other and one.is_relative_to(other) for other in distinct)]


def _by_descriptor(run: RunDir) -> RunDir:
    """Return the run's folder by an open descriptor: its own path may be hidden."""
    low = os.open(run.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, DESCRIPTOR_FROM)
    finally:
        os.close(low)
    return RunDir(Path(f"/proc/self/fd/{high}"))
