"""A study put into a store as an orchestrator would leave it, for tests of what reads it."""

import math
from pathlib import Path

from sweep.domain.axis import Cell
from sweep.domain.kinds import kind_in
from sweep.domain.metric import Series
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.trial import StudyRecord, TrialRecord, TrialSpec
from sweep.domain.verdict import Judgement, Symptom, Verdict
from sweep.store import Store

TARGET = {"metric": "val/acc", "mode": "max", "threshold": 0.9, "hold": 3, "budget_steps": 100, "stop_early": True}
CONFIG = {
    "task": {"_target_": "tasks.digits.train", "lr": 0.1, "dropout": 0.5},
    "axes": {"dropout": {"off": ["task.dropout=0.0"]}, "clip": {"on": ["task.clip=1.0"]}},
    "converge": TARGET,
    "seeds": [0, 1],
    "params": {},
    "inert": [],
}


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'sweep.db'}"


def make_study(store: Store, folder: Path, name: str = "s", task: str = "digits", **config: object) -> StudyRecord:
    return store.create_study(
        name=name, kind=kind_in(config), task=task, command=["task=digits", "+axis=[dropout]"],
        config={**CONFIG, "results": str(folder / "results"), **config},
        provenance={"git_sha": "abc", "dirty": False, "packages": {"numpy": "2.0"}, "host": "h", "gpus": []},
    )  # fmt: skip


def make_trial(
    store: Store, study: StudyRecord, seed: int = 0, *toggles: str, params: tuple[tuple[str, str], ...] = (),
    fingerprint: str | None = None,
) -> TrialRecord:  # fmt: skip
    cell = Cell(Cell.of(toggles).toggles, params)
    overrides = (*(f"task.{toggle}" for toggle in toggles), *(f"{key}={value}" for key, value in params))
    return store.add_trials(
        study.id,
        [
            TrialSpec(
                cell=cell, seed=seed, overrides=overrides, task={"_target_": "t", "lr": 0.1, "note": "<b>"},
                fingerprint=fingerprint or f"{study.name}-{cell.key}-{seed}",
            )
        ],
    )[0]  # fmt: skip


def end_trial(
    store: Store,
    trial: TrialRecord,
    verdict: Verdict = Verdict.CONVERGED,
    *,
    tau: int | None = None,
    values: tuple[float, ...] = (0.1, 0.5, 0.95),
    state: TrialState = TrialState.COMPLETED,
    failure: FailureClass | None = None,
    reason: str = "because",
) -> None:
    """Run a pending trial: its target's metric is logged every ten steps, its loss at the same steps."""
    run = store.begin_run(trial.id, f"trials/{trial.number}")
    store.run_started(run.id, pid=4000, pid_started_at=1.75e9, host="host", device="cpu")
    store.mark_running(run.id)
    points = [(10 * (at + 1), value) for at, value in enumerate(values)]
    if points:
        losses = [(step, math.nan if verdict is Verdict.DIVERGED else 1.0 / step) for step, _ in points]
        series = {"val/acc": Series.of(points), "train/loss": Series.of(losses)}
        store.ingest(run.id, from_byte=0, to_byte=10, points=series)
    finite = [value for value in values if math.isfinite(value)]
    symptoms = (Symptom(rule="non_finite", step=10, value=math.nan, threshold=math.inf, message="<i>seen</i>"),)
    judgement = Judgement(
        verdict=verdict, reason=reason, rule="target", tau=tau, last_step=10 * len(values),
        best=max(finite, default=None), final=finite[-1] if finite else None,
        symptoms=symptoms if verdict is Verdict.DIVERGED else (),
    )  # fmt: skip
    store.end_run(
        run.id, state=state, failure=failure, message="boom" if failure else None, stop_reason="returned", wall_s=1.5,
        last_step=10 * len(values), judgement=judgement,
    )  # fmt: skip


def record_study(folder: Path) -> str:
    """Record one study of four trials in a store in `folder`; return the store's URL.

    0 the base, diverged; 1 dropout=off, converged at step 30; 2 dropout=off + clip=on, crashed; 3 the base, pending.
    """
    with Store.open(url_of(folder)) as store:
        study = make_study(store, folder)
        end_trial(
            store, make_trial(store, study), Verdict.DIVERGED, values=(0.2, math.nan), reason="<script>x</script>"
        )
        end_trial(store, make_trial(store, study, 0, "dropout=off"), tau=30)
        crashed = make_trial(store, study, 1, "dropout=off", "clip=on")
        end_trial(
            store, crashed, Verdict.UNDECIDED, values=(), state=TrialState.FAILED, failure=FailureClass.CRASH
        )  # fmt: skip
        make_trial(store, study, 1)
    return url_of(folder)


SUMMARY = {
    "study": "s",
    "answer": "<b>dropout=off</b> restores it",
    "question": "restore",
    "base": {"verdict": "diverged", "converged": 0, "seeds": 5, "median_steps_to_target": None},
    "toggles": [
        {
            "toggle": "dropout=off", "rank": 1, "tied": False, "status": "restores", "word": "restores", "trials": 5,
            "converged": 5, "repair_probability": 0.92, "interval": [0.62, 1.0], "p_value": 0.008, "p_adjusted": 0.016,
            "test": "Fisher", "steps_to_target": {"median": 30.0, "base": None, "saved": 70.0, "p_value": 0.06},
            "more_seeds": None, "seeds": [0, 1], "overrides": ["task.dropout=0.0"], "note": "",
        }
    ],
    "repairs": [
        {"toggles": ["dropout=off"], "probability": 0.92, "interval": [0.62, 1.0], "verified": True, "p_value": 0.008,
         "overrides": ["task.dropout=0.0"]}
    ],
    "recommended": {"overrides": ["task.dropout=0.0"], "command": "python -m sweep task=digits task.dropout=0.0"},
}  # fmt: skip
