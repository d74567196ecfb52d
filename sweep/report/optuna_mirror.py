"""A study as a real Optuna study, for optuna-dashboard and all other tools that read Optuna's storage.

It has one Optuna trial per trial. It is a copy: nothing is read back from it.
"""

import json
import math
import sqlite3
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from sweep.clock import now_utc
from sweep.domain.axis import BASELINE, Axis
from sweep.domain.metric import Series
from sweep.domain.script_words import folded
from sweep.domain.space import Categorical, IntRange, Param, Value
from sweep.domain.states import FINISHED_STATES, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome, RunRecord, StudyRecord, TrialRecord
from sweep.domain.verdict import Verdict
from sweep.errors import StoreError, UsageError
from sweep.report.commands import PROGRAM


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredTrial:
    """The copied part of one trial; `curve` is that of the target's metric, None if it was not logged."""

    record: TrialRecord
    outcome: Outcome
    run: RunRecord | None
    curve: Series | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """The result of a copy: the study's name in Optuna's storage, and its trials by Optuna's states."""

    name: str
    states: Mapping[str, int]


def write_mirror(
    url: str,
    study: StudyRecord,
    axes: Sequence[Axis],
    params: Sequence[Param],
    target: Target,
    trials: Iterable[MirroredTrial],
    *,
    base: Mapping[str, object] | None = None,
    answer: str = "",
    replace: bool = False,
) -> Mirror:
    """Write a study into the Optuna storage at `url` (`sqlite:///optuna.db`), which is created if missing.

    Axes are categorical parameters (`base` and their levels), params have the distribution that was searched. The value
    is the best of the target's metric, the intermediate values are its curve. Trials that have not ended are left out.
    `base` has the task's values by key (`task.lr`): a trial without a drawn value gets the task's value if the space
    contains it.
    `docs/search.md` says how states are mapped.

    Raises UsageError if a study with this name exists and `replace` is not set, StoreError if the storage cannot be
    used. A failed copy leaves nothing in the storage.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    given = [trial for trial in trials if trial.outcome.state in FINISHED_STATES]
    direction = StudyDirection.MAXIMIZE if target.mode is Mode.MAX else StudyDirection.MINIMIZE
    # In memory first, so that every trial is checked before the storage is changed.
    source = optuna.create_study(study_name=study.name, direction=direction)
    distributions = _distributions(axes, params, given)
    worst = _worst(given, target.mode)
    own = _own_values(params, distributions, base or {})
    source.add_trials([_frozen(number, trial, distributions, own, worst) for number, trial in enumerate(given)])
    for name, value in _study_attributes(study, target, answer).items():
        source.set_user_attr(name, value)
    if target.metric is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            source.set_metric_names([target.metric])
    _copy(source, url, study.name, replace=replace)
    states: dict[str, int] = {}
    for trial in source.get_trials(deepcopy=False):
        states[trial.state.name] = states.get(trial.state.name, 0) + 1
    return Mirror(name=study.name, states=states)


def _copy(source: optuna.Study, url: str, name: str, *, replace: bool) -> None:
    _refuse_foreign(url)
    try:
        storage = optuna.storages.get_storage(url)
        is_there = name in optuna.study.get_all_study_names(storage)
    except Exception as exc:  # of SQLAlchemy, alembic or Optuna, depending on what is in the file
        reason = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        raise StoreError(f"--optuna {url}: Optuna cannot use it as its storage ({reason})", hint=_NEW_FILE) from exc
    if is_there and not replace:
        raise UsageError(
            f"--optuna {url}: study {name!r} already exists", hint="replace it with --force, or name another file"
        )
    if is_there:
        optuna.delete_study(study_name=name, storage=storage)
    try:
        optuna.copy_study(from_study_name=name, from_storage=source._storage, to_storage=storage, to_study_name=name)
    except BaseException as exc:
        if name in optuna.study.get_all_study_names(storage):
            optuna.delete_study(study_name=name, storage=storage)
        if isinstance(exc, Exception):
            raise StoreError(f"--optuna {url}: the copy failed ({type(exc).__name__}: {exc})") from exc
        raise
    finally:
        storage.remove_session()


def _refuse_foreign(url: str) -> None:
    """Raise UsageError for a SQLite file with other contents, to which Optuna would add its tables."""
    if not url.startswith("sqlite:///"):
        return
    path = Path(url.removeprefix("sqlite:///"))
    if not path.is_file() or not path.stat().st_size:
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as file:
            tables = {row[0] for row in file.execute("select name from sqlite_master where type = 'table'")}
    except sqlite3.Error as exc:
        raise StoreError(f"--optuna {url}: the file cannot be read as a database ({exc})", hint=_NEW_FILE) from exc
    if tables and "version_info" not in tables:
        raise UsageError(f"--optuna {url}: the file is a database, but not one of Optuna's", hint=_NEW_FILE)


_NEW_FILE = "name a new file, or one that Optuna has made: sqlite:///results/optuna.db"


def _distributions(
    axes: Sequence[Axis], params: Sequence[Param], trials: Sequence[MirroredTrial]
) -> dict[str, BaseDistribution]:
    """Return a distribution for every name, widened to include values outside the space that is searched now."""
    found: dict[str, BaseDistribution] = {}
    for axis in axes:
        levels = [BASELINE, *(level.name for level in axis.levels)]
        seen = [trial.record.cell.level_of(axis.name) for trial in trials]
        found[axis.name] = CategoricalDistribution(list(dict.fromkeys([*levels, *seen])))
    for param in params:
        texts = [dict(trial.record.cell.params).get(param.key) for trial in trials]
        found[param.key] = _distribution(param, [text for text in texts if text is not None])
    return found


def _distribution(param: Param, texts: Sequence[str]) -> BaseDistribution:
    known = param.distribution
    try:
        values = [known.read(text) for text in texts]
    except ValueError:  # drawn when the study searched another space
        return CategoricalDistribution(list(dict.fromkeys(texts)))
    if isinstance(known, Categorical):
        return CategoricalDistribution(list(dict.fromkeys([*known.choices, *map(str, values)])))
    if isinstance(known, IntRange):
        return IntDistribution(known.low, known.high, log=known.log, step=known.step)
    return FloatDistribution(known.low, known.high, log=known.log, step=known.step)


def _own_values(
    params: Sequence[Param], distributions: Mapping[str, BaseDistribution], base: Mapping[str, object]
) -> dict[str, Value]:
    """Return the task's values by searched key, if the space contains them."""
    found: dict[str, Value] = {}
    for param in params:
        value, known = base.get(param.key), distributions[param.key]
        if isinstance(known, CategoricalDistribution):
            same = next((str(choice) for choice in known.choices if _is_same(str(choice), value)), None)
            if same is not None:
                found[param.key] = same
        elif isinstance(value, int | float) and not isinstance(value, bool):
            try:
                is_whole = isinstance(value, float) and value.is_integer()
                found[param.key] = param.distribution.read(str(int(value) if is_whole else value))
            except ValueError:
                continue
    return found


def _is_same(text: str, value: object) -> bool:
    """Return whether a choice, as written in the override, is the task's value: `0.10` is 0.1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text.lower() == str(value).lower() if isinstance(value, bool) else text == str(value)
    try:
        return float(text) == value
    except ValueError:
        return False


def _frozen(
    number: int,
    trial: MirroredTrial,
    distributions: Mapping[str, BaseDistribution],
    own: Mapping[str, Value],
    worst: float,
) -> FrozenTrial:
    params = _params(trial, distributions, own)
    state, value, note = _state_and_value(trial.outcome, worst)
    value = None if value is None else _shortest(value)
    # Optuna's times are naive and local, as datetime.now() gives them.
    started = trial.run.started_at if trial.run is not None else None
    ended = trial.run.ended_at if trial.run is not None else None
    times = [
        (first or second or now_utc()).astimezone().replace(tzinfo=None)
        for first, second in ((started, ended), (ended, started))
    ]
    return FrozenTrial(
        number=number,
        state=state,
        value=value,
        datetime_start=times[0],
        datetime_complete=times[1],
        params=params,
        distributions={name: distributions[name] for name in params},
        user_attrs=_trial_attributes(trial, note),
        system_attrs={},
        intermediate_values=_intermediate(trial.curve),
        trial_id=-1,  # the storage gives it one
    )


def _params(
    trial: MirroredTrial, distributions: Mapping[str, BaseDistribution], own: Mapping[str, Value]
) -> dict[str, Value]:
    """Return the trial's values by name: drawn ones, else the task's if the space contains them."""
    cell = trial.record.cell
    drawn = dict(cell.params)
    params: dict[str, Value] = {}
    for name, distribution in distributions.items():
        text = drawn.get(name, cell.level_of(name))
        if isinstance(distribution, CategoricalDistribution):
            if text in distribution.choices:
                params[name] = text
        elif name in drawn:
            params[name] = int(text) if isinstance(distribution, IntDistribution) else float(text)
    return {**{name: value for name, value in own.items() if name not in drawn}, **params}


def _state_and_value(outcome: Outcome, worst: float) -> tuple[OptunaState, float | None, str]:
    """Return Optuna's state and value of a trial, and the source of the value (empty without one).

    A diverged trial is COMPLETE, with a value worse than all others: it has run and has an outcome. As FAIL it would
    be missing from every plot and every importance.
    """
    match outcome.state:
        case TrialState.PRUNED | TrialState.TIMED_OUT:
            return OptunaState.PRUNED, outcome.final, "last" if outcome.final is not None else ""
        case TrialState.COMPLETED if outcome.verdict is Verdict.DIVERGED:
            return OptunaState.COMPLETE, worst, "a penalty: it diverged"
        case TrialState.COMPLETED if outcome.best is not None:
            return OptunaState.COMPLETE, outcome.best, "best"
    return OptunaState.FAIL, None, ""


def _worst(trials: Sequence[MirroredTrial], mode: Mode) -> float:
    """Return the value of a diverged trial: worse than every value, best or last, of trials that did not diverge.

    It is as far beyond the worst of them as the worst is from the best; samplers get the same value. If all trials
    diverged, it is beyond what they logged before, or infinite if they logged nothing.
    """
    sign = 1.0 if mode is Mode.MAX else -1.0
    whole = [trial.outcome for trial in trials if trial.outcome.verdict is not Verdict.DIVERGED]
    for outcomes in (whole, [trial.outcome for trial in trials]):
        seen = [value for outcome in outcomes for value in (outcome.best, outcome.final) if value is not None]
        if seen:
            low, high = min(sign * value for value in seen), max(sign * value for value in seen)
            return sign * (low - ((high - low) or abs(low) or 1.0))
    return sign * -math.inf


def _intermediate(curve: Series | None) -> dict[int, float]:
    """Return the curve by step, with NaN and infinities; of several values at one step, the last."""
    if curve is None:
        return {}
    return {step: _shortest(value) for step, value in zip(curve.steps.tolist(), curve.values.tolist(), strict=True)}


def _shortest(value: float) -> float:
    """Return the shortest decimal form of a widened float32, such as a scalar of Paddle: 0.9 for 0.8999999761581421."""
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return float(str(single)) if float(single) == value and math.isfinite(value) else value


def _trial_attributes(trial: MirroredTrial, note: str) -> dict[str, object]:
    record, outcome, run = trial.record, trial.outcome, trial.run
    attributes = {
        "trial": record.number,
        "cell": record.cell.key,
        "seed": record.seed,
        "state": str(outcome.state),
        "verdict": str(outcome.verdict),
        "reason": outcome.reason,
        "steps_to_target": outcome.tau,
        "steps": outcome.steps,
        "overrides": list(record.overrides),
        "symptoms": [symptom.rule for symptom in outcome.symptoms],
        "reused": outcome.reused,
        "value_is": note,
        "failure": None if outcome.failure is None else str(outcome.failure),
        "message": None if run is None else run.message,
        "wall_s": outcome.wall_s,
    }
    return {name: value for name, value in attributes.items() if value not in (None, "", [])}


def _study_attributes(study: StudyRecord, target: Target, answer: str) -> dict[str, object]:
    provenance = json.loads(json.dumps(study.provenance, default=str))
    return {
        "task": study.task,
        "command": [*PROGRAM, *folded(study.command)],
        "status": study.status,
        "answer": answer,
        "target": target.to_mapping(),
        "provenance": provenance,
    }
