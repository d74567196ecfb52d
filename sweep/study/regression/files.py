"""Nights and baselines as files beside the reports, so that a recreated store has them too."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sweep.domain.plural import count_text
from sweep.rundir import STORE, StudyDir, read_json, store_seen_from, write_json_atomic
from sweep.store import NightRecord, Regressions, Store, TaskNight
from sweep.store.regressionjson import baseline_data, baseline_of, night_data, night_of
from sweep.study.places import check_owner

NIGHT = "night.json"
BASELINES = "baselines.json"
SCHEMA = 1

Say = Callable[[str], None]


def save_night(kept: Regressions, record: NightRecord, folder: StudyDir) -> None:
    """Write `<regression>/<night>/night.json`: a night as the store has it."""
    found = [each for each in kept.task_nights(record.regression) if each.night.name == record.name]
    words = {
        "schema": SCHEMA,
        "regression": record.regression,
        "name": record.name,
        "status": record.status,
        STORE: store_seen_from(folder.path / record.name, kept.url),
        "created_at": record.created_at.isoformat(),
        "ended_at": None if record.ended_at is None else record.ended_at.isoformat(),
        "tasks": [_task_words(each) for each in found],
    }
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
    nights = [each for each in _readable(results.glob(f"*/*/{NIGHT}"), say) if each["regression"] not in known]
    accepted = [each for each in _readable(results.glob(f"*/{BASELINES}"), say) if each["regression"] not in known]
    counts: dict[str, list[int]] = {}
    with store.transaction():
        for night in nights:
            name = str(night["regression"])
            kept.begin_night(name, str(night["name"]), at=datetime.fromisoformat(night["created_at"]))
            for task in night["tasks"]:
                kept.save_task(name, _task_night(task))
            at = datetime.fromisoformat(night.get("ended_at") or night["created_at"])
            kept.end_night(name, str(night["name"]), str(night["status"]), at=at)
            counts.setdefault(name, [0, 0])[0] += 1
        for each in accepted:
            name = str(each["regression"])
            kept.accept(name, [baseline_of(data) for data in each["baselines"]])
            counts.setdefault(name, [0, 0])[1] += len(each["baselines"])
    for name, (brought, baselines) in counts.items():
        say(f"regression {name}: {count_text(brought, 'night')}, {count_text(baselines, 'baseline')}")


def _readable(paths: Iterable[Path], say: Say) -> list[dict[str, Any]]:
    """Return the contents of the files, without those that cannot be used."""
    found = []
    for path in sorted(paths):
        try:
            words = read_json(path)
            [_task_night(task) for task in words.get("tasks", ())]
            [baseline_of(data) for data in words.get("baselines", ())]
            for key in ("created_at", "ended_at"):
                if words.get(key) is not None:
                    datetime.fromisoformat(words[key])
            str(words["regression"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            say(f"{path} cannot be used ({type(error).__name__}: {error}); it is left out")
        else:
            found.append(words)
    return found


def _task_words(found: TaskNight) -> dict[str, Any]:
    return {
        "task": found.task,
        "verdict": found.verdict,
        "studies": list(found.studies),
        "night": night_data(found.night),
    }


def _task_night(words: Mapping[str, Any]) -> TaskNight:
    return TaskNight(
        task=str(words["task"]),
        night=night_of(words["night"]),
        verdict=str(words["verdict"]),
        studies=tuple(str(name) for name in words["studies"]),
    )
