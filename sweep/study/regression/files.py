"""Nights and baselines as files beside the reports, so that a store made anew has them, too."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sweep.rundir import StudyDir, read_json, write_json_atomic
from sweep.store import Regressions, Store, TaskNight
from sweep.store.regressionjson import baseline_data, baseline_of, night_data, night_of

NAME = "record.json"
SCHEMA = 1


def save_records(kept: Regressions, regression: str, folder: StudyDir) -> None:
    """Write record.json: all nights and baselines of a regression, as the store has them."""
    found = kept.task_nights(regression)
    words = {
        "schema": SCHEMA,
        "regression": regression,
        "nights": [
            {
                "name": record.name,
                "status": record.status,
                "created_at": record.created_at.isoformat(),
                "tasks": [_task_words(each) for each in found if each.night.name == record.name],
            }
            for record in kept.nights(regression)
        ],
        "baselines": [baseline_data(baseline) for baseline in kept.baselines(regression, superseded=True)],
    }
    folder.path.mkdir(parents=True, exist_ok=True)
    write_json_atomic(folder.path / NAME, words)


def _task_words(found: TaskNight) -> dict[str, Any]:
    return {
        "task": found.task,
        "verdict": found.verdict,
        "studies": list(found.studies),
        "night": night_data(found.night),
    }


def restore_records(store: Store, results: Path, say: Callable[[str], None]) -> int:
    """Bring the regressions of a results folder into a store that lacks them; return how many it brought.

    `say` is told of each, and of files that cannot be used.
    """
    kept = Regressions(store)
    brought = 0
    for path in sorted(results.glob(f"*/{NAME}")):
        try:
            words = read_json(path)
            name = str(words["regression"])
            nights = [(each, [_task_night(task) for task in each["tasks"]]) for each in words["nights"]]
            baselines = [baseline_of(data) for data in words["baselines"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            say(f"{path} cannot be used ({type(error).__name__}: {error}); its regression is left out")
            continue
        if name in kept.names():
            continue
        with store.transaction():
            for night, tasks in nights:
                kept.begin_night(name, str(night["name"]), at=datetime.fromisoformat(night["created_at"]))
                for task in tasks:
                    kept.save_task(name, task)
                kept.end_night(name, str(night["name"]), str(night["status"]))
            kept.accept(name, baselines)
        say(f"regression {name}: {len(nights)} nights, {len(baselines)} baselines")
        brought += 1
    return brought


def _task_night(words: dict[str, Any]) -> TaskNight:
    return TaskNight(
        task=str(words["task"]),
        night=night_of(words["night"]),
        verdict=str(words["verdict"]),
        studies=tuple(str(name) for name in words["studies"]),
    )
