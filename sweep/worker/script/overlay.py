"""Puts an overlay over a folder in a mount namespace of this process's own: what is written there lands elsewhere.

The folder itself is the lower layer, so nothing is copied, and the program runs at its own path. Where this process may
not mount, it does so in a user namespace that maps only its own user and group.
"""

import ctypes
import os
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000  # linux/sched.h
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 1 << 12, 1 << 14, 1 << 18, 2  # linux/mount.h
CAP_SYS_ADMIN = 21  # linux/capability.h
LOOKED_AT = 1000
"""Number of entries of a folder whose owner is looked at."""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """An overlay: over `folder`, with `upper` for what is written and `work` for the kernel. `hidden` are paths inside
    that the program does not see."""

    folder: Path
    upper: Path
    work: Path
    hidden: tuple[Path, ...]


def mount_layers(layers: Sequence[Layer]) -> None:
    """Mount overlays for this process and those that it starts. Raises OSError, with nothing mounted.

    Mounts below a folder, such as a data disk, stay visible, and are written to for real.
    """
    is_mapped = not _may_mount()
    if is_mapped:
        for layer in layers:
            _require_own(layer.folder)
        _enter_user_namespace()
    else:
        _call(_libc.unshare, CLONE_NEWNS, name="unshare")
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mounted: list[Path] = []
    try:
        for layer in layers:
            _mount_layer(layer, options=",userxattr" if is_mapped else "")
            mounted.append(layer.folder)
    except OSError:
        unmount_layers(mounted)
        raise


def unmount_layers(folders: Sequence[Path]) -> bool:
    """Unmount overlays; return whether that worked. They are gone for this process at once, though files be open."""
    return all(_libc.umount2(os.fsencode(folder), MNT_DETACH) == 0 for folder in reversed(folders))


def clear_layer(layer: Layer) -> None:
    """Remove what only the kernel needed, and an upper layer to which nothing was written. Never raises."""
    remove_tree(layer.work)
    for path in layer.hidden:
        mark = layer.upper / path.relative_to(layer.folder)
        with suppress(OSError):
            if stat.S_ISCHR(mark.lstat().st_mode):
                mark.unlink()
            for folder in mark.relative_to(layer.upper).parents:
                (layer.upper / folder).rmdir()
    with suppress(OSError):
        layer.upper.rmdir()


def remove_tree(folder: Path) -> None:
    """Remove a folder, with those inside that nobody may read, as the kernel leaves one. Never raises."""
    for path in (folder, folder / "work"):
        with suppress(OSError):
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """Call mount(2). Raises OSError."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    _call(_libc.mount, words[0], words[1], words[2], ctypes.c_ulong(flags), words[3], name=f"mount {target}")


def mounts_below(folder: Path) -> list[str]:
    """Return the mount points inside a folder, outer ones first."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        point = line.split()[4].encode("utf-8", "surrogateescape").decode("unicode_escape", "surrogateescape")
        point = point.encode("latin-1", "surrogateescape").decode("utf-8", "surrogateescape")
        if point.startswith(f"{str(folder).rstrip('/')}/"):
            found.append(point)
    return [point for point in found if not any(point.startswith(f"{other}/") for other in found)]


def _mount_layer(layer: Layer, options: str) -> None:
    layer.work.mkdir()
    _make_like(layer.folder, layer.upper)
    for path in layer.hidden:
        inside = path.relative_to(layer.folder)
        for parent in [*reversed(inside.parents)][1:]:
            _make_like(layer.folder / parent, layer.upper / parent)
        os.mknod(layer.upper / inside, stat.S_IFCHR | 0o600, os.makedev(0, 0))  # means "deleted" to an overlay
    points = mounts_below(layer.folder)
    # Named by descriptors: a path may hold what separates options, and options have to fit into a page.
    paths: list[Path | str] = [layer.folder, layer.upper, layer.work, *points]
    opened = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path in paths]
    try:
        lower, upper, work, *below = (f"/proc/self/fd/{descriptor}" for descriptor in opened)
        mount("overlay", str(layer.folder), "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}{options}")
        for point, source in zip(points, below, strict=True):
            mount(source, point, None, MS_BIND | MS_REC)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _make_like(folder: Path, copy: Path) -> None:
    """Make a folder with the mode of another one, which it stands for in the overlay."""
    if not copy.is_dir():
        copy.mkdir()
        copy.chmod(stat.S_IMODE(folder.stat().st_mode))


def _may_mount() -> bool:
    """Return whether this process has the capability to mount: CAP_SYS_ADMIN."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> CAP_SYS_ADMIN & 1)
    return False


def _require_own(folder: Path) -> None:
    """Raise PermissionError if a file is of another user or group: in the user namespace it could not be changed."""
    own = (os.geteuid(), os.getegid())
    with os.scandir(folder) as entries:
        some = [entry for entry, _ in zip(entries, range(LOOKED_AT), strict=False)]
    found = [folder.stat(), *(entry.stat(follow_symlinks=False) for entry in some)]
    if any((status.st_uid, status.st_gid) != own for status in found):
        raise PermissionError(1, "files in it are of another user or group", str(folder))


def _enter_user_namespace() -> None:
    """Raises OSError; tried in a fork first, because a namespace without its maps could not be left."""
    pid = os.fork()
    if pid == 0:
        try:
            _map_own_user()
            mount("none", "/", None, MS_REC | MS_PRIVATE)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 1)
        finally:
            os._exit(1)
    number = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if number:
        raise OSError(number, os.strerror(number))
    _map_own_user()


def _map_own_user() -> None:
    user, group = os.geteuid(), os.getegid()
    _call(_libc.unshare, CLONE_NEWNS | CLONE_NEWUSER, name="unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path(f"/proc/self/{name}").write_text(text)


def _call(function: object, *arguments: object, name: str) -> None:
    if function(*arguments):  # type: ignore[operator]
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
