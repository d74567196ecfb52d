"""A study as VisualDL logs, for the HPARAMS page: every trial with its changes and its results."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from sweep.domain.axis import Axis
from sweep.domain.metric import Series
from sweep.domain.trial import TrialRecord
from sweep.report.visualdl import run_name, write_trial

WATCHED = "watch/"
"""Prefix of the monitor's series. They are left out: hundreds of columns, which each trial's log has."""


def write_study(
    folder: Path,
    trials: Sequence[TrialRecord],
    axes: Sequence[Axis],
    metric: str | None,
    series_of: Callable[[TrialRecord], Mapping[str, Series]],
) -> int:
    """Write a log directory `<folder>/<number>/vdl` for each trial that has logged anything; return their number.

    Hyperparameters: the level of each axis (`base` if it is not toggled), the params of a search (as numbers if all
    values are), seed and verdict. Metrics: `result/best` and `result/steps_to_target` (NaN for a miss), then the
    target's metric, then the others; the page shows the last value of each. Trials that reuse a run are written like
    any other. Raises OSError.
    """
    numeric = _numeric_params(trials)
    written = 0
    for trial in trials:
        series = {name: points for name, points in series_of(trial).items() if not name.startswith(WATCHED)}
        if not series:
            continue
        order = sorted(series, key=lambda name: (name != metric, name))
        shown = {**_results(trial), **{name: series[name] for name in order}}
        write_trial(
            folder / str(trial.number) / "vdl", _hparams(trial, axes, numeric), shown, name=run_name(trial, len(trials))
        )
        written += 1
    return written


def _hparams(trial: TrialRecord, axes: Sequence[Axis], numeric: Mapping[str, type]) -> dict[str, object]:
    cell = trial.cell
    hparams: dict[str, object] = {axis.name: cell.level_of(axis.name) for axis in axes}
    for key, text in cell.params:
        hparams[key] = numeric[key](text) if key in numeric else text
    hparams["seed"] = trial.seed
    hparams["verdict"] = "none yet" if trial.judgement is None else str(trial.judgement.verdict)
    return hparams


def _numeric_params(trials: Sequence[TrialRecord]) -> dict[str, type]:
    """Return int or float for each param that is a number in all trials; VisualDL types a column by one trial."""
    texts: dict[str, list[str]] = {}
    for trial in trials:
        for key, text in trial.cell.params:
            texts.setdefault(key, []).append(text)
    found: dict[str, type] = {}
    for key, values in texts.items():
        for kind in (int, float):
            if all(_reads(kind, value) for value in values):
                found[key] = kind
                break
    return found


def _reads(kind: type, text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _results(trial: TrialRecord) -> dict[str, Series]:
    """Return the results of a trial as metrics of one point each."""
    judged = trial.judgement
    if judged is None:
        return {}
    known = {"result/best": judged.best, "result/steps_to_target": judged.tau}
    at = np.array([judged.last_step], dtype=np.int64)
    # NaN for a miss: VisualDL's server warns about every metric that one of the trials lacks.
    return {name: Series(at, np.array([value], dtype=np.float64)) for name, value in known.items()}
