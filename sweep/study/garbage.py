"""Keeps results small: which studies have expired, and what of them is deleted.

The study of an expired night is deleted completely; the record of the night keeps what it found. Any other expired
study loses its run folders and curves, and keeps verdicts and reports. Nothing is deleted of a study that a baseline
was made from, that is running, or whose trials are reused by a study that stays.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sweep.clock import now_utc
from sweep.domain.plural import count_text
from sweep.domain.trial import StudyRecord
from sweep.errors import StudyLockedError
from sweep.rundir import StudyDir, StudyLock
from sweep.store import Regressions, Store
from sweep.store.retention import borrowers, curve_points, drop_curves, file_bytes, vacuum
from sweep.study.places import why_not_ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What has expired: nights before the last `keep_nights`, other studies that ended more than `keep_days` days ago.

    None keeps all nights, or all other studies. `regression` limits the nights to those of one regression.
    """

    keep_nights: int | None = None
    keep_days: float | None = None
    regression: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What was deleted, or would be. `studies` (of nights) are gone, `thinned` lost their run folders and curves.

    `kept` has pairs (study, reason) for expired studies of which something stays. `folders` maps a study to the
    absolute path of its folder that was, or would be, deleted.
    """

    studies: tuple[str, ...]
    thinned: tuple[str, ...]
    kept: tuple[tuple[str, str], ...]
    folders: Mapping[str, str]
    folder_bytes: int
    points: int
    database_bytes: int

    def words(self) -> str:
        """Return it as one line."""
        parts = []
        if self.studies:
            parts.append(f"{count_text(len(self.studies), 'study', 'studies')} of old nights")
        if self.thinned:
            parts.append(f"run folders and curves of {count_text(len(self.thinned), 'other study', 'other studies')}")
        if not parts:
            return "deleted nothing"
        disk = f"{size_text(self.folder_bytes)} of folders, {count_text(self.points, 'point')} of curves"
        base = f", {size_text(self.database_bytes)} of the database" if self.database_bytes else ""
        return f"deleted {' and '.join(parts)}: {disk}{base}"


def size_text(count: int) -> str:
    """Return a number of bytes as text, in bytes, KB, MB or GB (powers of 1000)."""
    size = float(count)
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def collect_garbage(store: Store, rule: Rule, *, file: Path | None = None, is_dry: bool = False) -> Freed:
    """Delete what has expired; return what that freed. With `is_dry`, only return what would be freed.

    `file` is the store's SQLite file if it should be compacted as well, which takes a moment if it is large.
    """
    before = file_bytes(file)
    freed = _collect(store, _past_their_time(store, rule), _night_studies(store, rule), is_dry=is_dry)
    if file is None or is_dry:
        return freed
    if freed.studies or freed.thinned:
        vacuum(store)
    return replace(freed, database_bytes=max(0, before - file_bytes(file)))


def _collect(store: Store, past: Sequence[StudyRecord], of_nights: set[str], *, is_dry: bool) -> Freed:
    """Delete these studies, those of nights completely. The database file keeps its size."""
    gone: dict[str, str] = {}
    kept: list[tuple[str, str]] = []
    freed_bytes = points = 0
    for record in past:
        reason = _why_kept(store, record, {each.name for each in past})
        if reason:
            kept.append((record.name, reason))
            continue
        folder, is_whole = StudyDir.of(record), record.name in of_nights
        own_bytes, own_points = _size(folder, is_whole=is_whole), curve_points(store, record.id)
        if not is_whole and not own_bytes and not own_points:
            continue  # thinned before
        if not is_dry:
            if not _delete(store, record, folder, is_whole=is_whole):
                kept.append((record.name, "it is running"))
                continue
            left = _size(folder, is_whole=is_whole)
            if left:
                kept.append((record.name, f"{size_text(left)} of its folder {folder.path} cannot be deleted"))
            own_bytes -= left
        gone[record.name] = str(folder.path if is_whole else folder.trials)
        freed_bytes, points = freed_bytes + own_bytes, points + own_points
    return Freed(
        studies=tuple(name for name in gone if name in of_nights),
        thinned=tuple(name for name in gone if name not in of_nights),
        kept=tuple(kept),
        folders=gone,
        folder_bytes=freed_bytes,
        points=points,
        database_bytes=0,
    )


def _past_their_time(store: Store, rule: Rule) -> list[StudyRecord]:
    """Return the studies that the rule no longer keeps, the one whose status changed last first.

    So a study that reuses trials of another usually goes before it. If not, the next gc deletes the rest.
    """
    old = _night_studies(store, rule)
    kept = Regressions(store)
    of_nights = {study for name in kept.names() for studies in kept.studies(name).values() for study in studies}
    limit = None if rule.keep_days is None else now_utc() - timedelta(days=rule.keep_days)
    return [
        record
        for record in store.studies()
        if record.name in old or (limit is not None and record.name not in of_nights and _ended_before(record, limit))
    ]


def _ended_before(record: StudyRecord, limit: datetime) -> bool:
    return (record.ended_at or record.created_at) < limit


def _night_studies(store: Store, rule: Rule) -> set[str]:
    """Return the names of the studies of expired nights."""
    if rule.keep_nights is None:
        return set()
    kept = Regressions(store)
    found: set[str] = set()
    for regression in [rule.regression] if rule.regression else kept.names():
        old = {record.name for record in kept.nights(regression)[: -rule.keep_nights]}
        for night, names in kept.studies(regression).items():
            if night in old:
                found |= names
    return found


def _why_kept(store: Store, record: StudyRecord, past: set[str]) -> str:
    if record.name in Regressions(store).kept_studies():
        return "a baseline was made from it"
    folder = StudyDir.of(record)
    if not folder.results.is_dir():
        return f"its folder {folder.path} cannot be found: there is no {folder.results}"
    reason = why_not_ours(record)
    if reason is not None:
        return reason
    if StudyLock(folder.lock).holder() is not None:
        return "it is running"
    users = [name for name in borrowers(store, record.id) if name not in past]
    return f"its trials are reused by {', '.join(users)}" if users else ""


def _size(folder: StudyDir, *, is_whole: bool) -> int:
    place = folder.path if is_whole else folder.trials
    return sum(path.lstat().st_size for path in place.rglob("*") if not path.is_dir() or path.is_symlink())


def _delete(store: Store, record: StudyRecord, folder: StudyDir, *, is_whole: bool) -> bool:
    """Delete a study, or its run folders and curves. Return False if an orchestrator has started to run it meanwhile.

    The rows are deleted first: folders without a study do no harm, a study without its folders would.
    """
    lock = StudyLock(folder.lock)
    try:
        if folder.path.is_dir():
            lock.acquire()
        if is_whole and not borrowers(store, record.id):
            store.delete_study(record.id)
        else:
            drop_curves(store, record.id)
        shutil.rmtree(folder.path if is_whole else folder.trials, ignore_errors=True)
    except StudyLockedError:
        return False
    finally:
        lock.release()
    return True
