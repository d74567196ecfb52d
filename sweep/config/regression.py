"""From the `regression` section of a config to validated settings, and to the studies of a night."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sweep.config import LoadedConfig, load_study_config
from sweep.config.folders import check_free, folder_words
from sweep.config.source import TaskSource
from sweep.config.values import Section
from sweep.domain.nights import night_seeds
from sweep.domain.regression import RegressionSettings
from sweep.errors import ConfigError

KEYS = (
    "tasks", "night", "confirm_seeds", "determinism", "compare_environments", "slack", "threshold", "keep_nights"
)  # fmt: skip
TASK_KEYS = ("task", "name", "seeds", "overrides")
MAX_SEEDS = 100
"""Maximum seeds of one task per night: a night has 500 seeds of its own, and a date may have five nights."""
MAX_REPEATS = 5
PASSED_ON = ("launcher", "store", "results", "watch", "symptoms")
"""Top-level keys of the command line that apply to every task of a night; all others belong to one task."""

_NAME = re.compile(r"[A-Za-z0-9][\w+-]{0,37}", re.ASCII)
_NIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.(\d))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEntry:
    """One task of a regression: its config, its name, and its number of seeds per night."""

    task: str
    name: str
    seeds: int
    overrides: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NightName:
    """A night's name: a date, and the number of the night on that date, from 1."""

    day: date
    repeat: int

    def __str__(self) -> str:
        return f"{self.day.isoformat()}" + (f".{self.repeat}" if self.repeat > 1 else "")

    def seeds(self, count: int, *, is_confirmation: bool = False) -> tuple[int, ...]:
        """Return `count` seeds that no other night has; confirming runs have different ones."""
        first = MAX_SEEDS * (self.repeat - 1)
        return night_seeds(self.day.toordinal(), first + count, is_confirmation=is_confirmation)[first:]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionConfig:
    """A validated regression. `determinism` is (steps, seed), None if losses are not compared bit by bit.

    `night` is None if the clock names it, `keep_nights` None if nothing is deleted. `passed_on` are the overrides of
    the command line that apply to every task.
    """

    name: str
    tasks: tuple[TaskEntry, ...]
    night: NightName | None
    determinism: tuple[int, int] | None
    keep_nights: int | None
    settings: RegressionSettings
    store_url: str
    results: str
    passed_on: tuple[str, ...]
    config_dirs: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStudies:
    """The studies of one task's night: on the night's seeds, and on the fixed seed (None if that is off)."""

    entry: TaskEntry
    nightly: LoadedConfig
    determinism: LoadedConfig | None


def read_regression(loaded: LoadedConfig) -> RegressionConfig:
    """Return the regression of a loaded config and its command line. Raises ConfigError."""
    study = loaded.study
    section = Section(study.regression, "regression", KEYS)
    seeds = study.raw["seeds"]
    if isinstance(seeds, list) or len(study.seeds) > MAX_SEEDS:
        raise ConfigError(
            "seeds",
            f"a night draws its own seeds: give their number, at most {MAX_SEEDS}",
            value=seeds,
            hint="seeds=3",
        )
    _check_name(study.name)
    tasks = _tasks(section, len(study.seeds))
    return RegressionConfig(
        name=study.name,
        tasks=tasks,
        night=None if section.get("night") is None else parse_night(str(section.get("night"))),
        determinism=_determinism(section),
        keep_nights=section.optional_integer("keep_nights", low=1),
        settings=RegressionSettings(
            tasks=len(tasks),
            slack=section.number("slack", above=0),
            threshold=section.number("threshold", above=0),
            confirm_seeds=section.integer("confirm_seeds", low=1, high=MAX_SEEDS),
            compare_other_devices=section.choice("compare_environments", ["same", "any"]) == "any",
        ),
        store_url=study.store_url,
        results=study.results,
        passed_on=_passed_on(loaded.overrides),
        config_dirs=loaded.config_dirs,
    )


def parse_night(text: str) -> NightName:
    """Return the night of this name: `2026-11-23`, or `2026-11-23.2` for a second one. Raises ConfigError."""
    found = _NIGHT.fullmatch(text)
    try:
        if found is not None and 1 <= int(found[2] or 1) <= MAX_REPEATS:
            return NightName(day=date.fromisoformat(found[1]), repeat=int(found[2] or 1))
    except ValueError:
        pass
    raise ConfigError(
        "regression.night",
        "must be a date",
        value=text,
        hint=f"regression.night=2026-11-23, or 2026-11-23.2 (at most .{MAX_REPEATS}) for a second night of that date",
    )


def task_studies(config: RegressionConfig, night: NightName) -> tuple[TaskStudies, ...]:
    """Compose and validate all studies of a night before the first runs. Raises ConfigError, naming the task."""
    return tuple(_studies(config, entry, night) for entry in config.tasks)


def confirming_study(config: RegressionConfig, entry: TaskEntry, night: NightName) -> LoadedConfig:
    """Compose the study that confirms an alarm on fresh seeds. Raises ConfigError."""
    seeds = night.seeds(config.settings.confirm_seeds, is_confirmation=True)
    return _load(config, entry, f"{study_name(config, entry, night)}-confirm", seeds)


def study_name(config: RegressionConfig, entry: TaskEntry, night: NightName) -> str:
    """Return the name of a task's study on a night."""
    return f"{config.name}-{entry.name}-{night}"


def _studies(config: RegressionConfig, entry: TaskEntry, night: NightName) -> TaskStudies:
    name = study_name(config, entry, night)
    nightly = _load(config, entry, name, night.seeds(entry.seeds))
    determinism = None
    if config.determinism is not None:
        steps, seed = config.determinism
        short = (f"converge.budget_steps={steps}", "converge.stop_early=false", "watch=off")
        determinism = _load(config, entry, f"{name}-numerics", (seed,), *short, source=nightly.source)
    return TaskStudies(entry=entry, nightly=nightly, determinism=determinism)


def _load(
    config: RegressionConfig,
    entry: TaskEntry,
    name: str,
    seeds: tuple[int, ...],
    *more: str,
    source: TaskSource | None = None,
) -> LoadedConfig:
    words = [
        f"task={entry.task}", *config.passed_on, *entry.overrides, *more,
        f"seeds=[{','.join(map(str, seeds))}]", "reuse=false", f"study={name}",
    ]  # fmt: skip
    try:
        command = [*folder_words(config.config_dirs), *words]
        return load_study_config(words, config.config_dirs, command=command, source=source)
    except ConfigError as error:
        # The key belongs to the task's config, not to the command line: name the task.
        error.message = f"task {entry.name} of regression {config.name}: {error.message}"
        raise


def _tasks(section: Section, seeds: int) -> tuple[TaskEntry, ...]:
    found = section.get("tasks")
    if not isinstance(found, list) or not found:
        raise ConfigError(
            "regression.tasks", "must be a list of tasks", value=found, hint="[digits_mlp, {task: mine, seeds: 5}]"
        )
    entries = tuple(_task(item, f"regression.tasks[{i}]", seeds) for i, item in enumerate(found))
    names = [entry.name for entry in entries]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError("regression.tasks", "two tasks have this name", value=twice, hint="give one a `name:`")
    return entries


def _task(item: object, key: str, seeds: int) -> TaskEntry:
    given = {"task": item} if isinstance(item, str) else item
    section = Section({**dict.fromkeys(TASK_KEYS), **given} if isinstance(given, dict) else given, key, TASK_KEYS)
    task = section.text("task")
    name = section.optional_text("name") or task.replace("/", "-").replace(".", "-")
    _check_name(name, f"{key}.name")
    overrides = section.get("overrides") or []
    if not isinstance(overrides, list) or not all(isinstance(word, str) for word in overrides):
        raise ConfigError(f"{key}.overrides", "must be a list of overrides", value=overrides, hint="[task.lr=0.01]")
    taken = next((w for w in overrides if _key(w) in ("task", "seeds", "study", "reuse", *PASSED_ON[1:3])), None)
    if taken is not None:
        raise ConfigError(f"{key}.overrides", "is set by the regression itself", value=taken)
    count = seeds if section.get("seeds") is None else section.integer("seeds", low=1, high=MAX_SEEDS)
    return TaskEntry(task=task, name=name, seeds=count, overrides=tuple(overrides))


def _determinism(section: Section) -> tuple[int, int] | None:
    data = section.get("determinism")
    if data is None:
        return None
    inner = Section(data, "regression.determinism", ("steps", "seed"))
    return inner.integer("steps", low=1), inner.integer("seed", low=0)


def _passed_on(overrides: Sequence[str]) -> tuple[str, ...]:
    """Return the overrides that apply to every task. Raises ConfigError for one that can only apply to a single
    task."""
    kept = []
    for word in overrides:
        key = _key(word)
        if key.partition(".")[0] in PASSED_ON:
            kept.append(word)
        elif key.partition(".")[0] not in ("regression", "seeds", "study", "reuse"):
            raise ConfigError(
                key,
                "belongs to one task, and a regression has several",
                value=word,
                hint="put it into the `overrides` of a task in regression.tasks",
            )
    return tuple(kept)


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]


def _check_name(name: str, key: str = "study") -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            key, "is not a name", value=name, hint="at most 38 letters, digits and _ + -, the first a letter or digit"
        )
    check_free(name, key)
