"""Nights and baselines as files beside the reports, so that a recreated store has them too."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sweep.domain.json_form import JsonObject, from_json, to_object
from sweep.domain.nights import Baseline
from sweep.domain.plural import count_text
from sweep.rundir import STORE, StudyDir, read_json, store_seen_from, write_json_atomic
from sweep.store import NightRecord, Regressions, Store, TaskNight
from sweep.store.regressionjson import baseline_data, baseline_of, night_data, night_of
from sweep.study.places import check_owner

NIGHT = "night.json"
BASELINES = "baselines.json"
SCHEMA = 1

Say = Callable[[str], None]
File = TypeVar("File", "NightFile", "BaselinesFile")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFile:
    """What a night did for one task, as night.json has it."""

    task: str
    verdict: str
    studies: tuple[str, ...]
    night: JsonObject = field(hash=False)

    @classmethod
    def of(cls, found: TaskNight) -> "TaskFile":
        """Return the same of a record of the store."""
        return cls(task=found.task, verdict=found.verdict, studies=found.studies, night=night_data(found.night))

    @property
    def record(self) -> TaskNight:
        """The record of the store. Raises ValueError for a night of another shape."""
        return TaskNight(task=self.task, night=night_of(self.night), verdict=self.verdict, studies=self.studies)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFile:
    """The contents of night.json, besides the store's URL."""

    regression: str
    name: str
    status: str
    created_at: datetime
    ended_at: datetime | None = None
    tasks: tuple[TaskFile, ...] = ()

    @property
    def records(self) -> list[TaskNight]:
        """The records of its tasks. Raises ValueError for one of another shape."""
        return [task.record for task in self.tasks]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselinesFile:
    """The contents of baselines.json, besides the store's URL."""

    regression: str
    baselines: tuple[JsonObject, ...] = field(default=(), hash=False)

    @property
    def records(self) -> list[Baseline]:
        """The baselines. Raises ValueError for one of another shape."""
        return [baseline_of(data) for data in self.baselines]


def save_night(kept: Regressions, record: NightRecord, folder: StudyDir) -> None:
    """Write `<regression>/<night>/night.json`: a night as the store has it."""
    found = [each for each in kept.task_nights(record.regression) if each.night.name == record.name]
    night = NightFile(
        regression=record.regression,
        name=record.name,
        status=record.status,
        created_at=record.created_at,
        ended_at=record.ended_at,
        tasks=tuple(TaskFile.of(each) for each in found),
    )
    words = {"schema": SCHEMA, STORE: store_seen_from(folder.path / record.name, kept.url), **to_object(night)}
    place = folder.path / record.name
    place.mkdir(parents=True, exist_ok=True)
    write_json_atomic(place / NIGHT, words)


def save_baselines(kept: Regressions, regression: str, folder: StudyDir) -> None:
    """Write `<regression>/baselines.json`: all baselines of a regression, including replaced ones."""
    found = [baseline_data(baseline) for baseline in kept.baselines(regression, superseded=True)]
    folder.path.mkdir(parents=True, exist_ok=True)
    write_json_atomic(
        folder.path / BASELINES,
        {"schema": SCHEMA, "regression": regression, STORE: store_seen_from(folder.path, kept.url), "baselines": found},
    )


def regression_results(store: Store, regression: str) -> Path | None:
    """Return the results folder of a regression's last night that still has a study, None if none has."""
    for night in reversed(Regressions(store).task_nights(regression)):
        for name in night.studies:
            record = store.find_study(name)
            if record is not None:
                return StudyDir.of(record).results
    return None


def check_records_owner(kept: Regressions, folder: StudyDir) -> None:
    """Raise OtherStoreError if nights or baselines in a regression's folder name another store."""
    for file in [*folder.path.glob(f"*/{NIGHT}"), *folder.path.glob(BASELINES)]:
        check_owner(kept.url, folder, file)


def restore_records(store: Store, results: Path, say: Say) -> None:
    """Restore the nights and baselines of a results folder into a store, for regressions that it does not know.

    `say` gets a message about each regression, and about each file that cannot be used.
    """
    kept = Regressions(store)
    known = set(kept.names())
    nights = [each for each in _readable(NightFile, results.glob(f"*/*/{NIGHT}"), say) if each.regression not in known]
    accepted = _readable(BaselinesFile, results.glob(f"*/{BASELINES}"), say)
    counts: dict[str, list[int]] = {}
    with store.transaction():
        for night in nights:
            kept.begin_night(night.regression, night.name, at=night.created_at)
            for task in night.records:
                kept.save_task(night.regression, task)
            kept.end_night(night.regression, night.name, night.status, at=night.ended_at or night.created_at)
            counts.setdefault(night.regression, [0, 0])[0] += 1
        for each in accepted:
            if each.regression not in known:
                kept.accept(each.regression, each.records)
                counts.setdefault(each.regression, [0, 0])[1] += len(each.baselines)
    for name, (brought, baselines) in counts.items():
        say(f"regression {name}: {count_text(brought, 'night')}, {count_text(baselines, 'baseline')}")


def _readable(kind: type[File], paths: Iterable[Path], say: Say) -> list[File]:
    """Return the contents of the files, without those that cannot be used."""
    found = []
    for path in sorted(paths):
        try:
            words = from_json(kind, read_json(path))
            words.records  # noqa: B018 - raises for a part of another shape
        except (OSError, ValueError) as error:
            say(f"{path} cannot be used ({type(error).__name__}: {error}); it is left out")
        else:
            found.append(words)
    return found
