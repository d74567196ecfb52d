"""What a study is about: the trials of a fixed design, or the space that an adaptive driver draws from."""

from contextlib import closing
from typing import Any

from sweep.config import LoadedConfig
from sweep.domain.axis import BASE, Cell
from sweep.domain.space import Param
from sweep.domain.states import TrialState
from sweep.domain.trial import StudyRecord, TrialRecord, TrialSpec
from sweep.drivers.points import PointSpace
from sweep.drivers.protocol import Proposal
from sweep.errors import ConfigError
from sweep.launch import build_launcher
from sweep.plan import DESIGNS, Plan, TrialComposer, build_plan
from sweep.plan.space import parse_space
from sweep.store import Store


class StudyPlan:
    """The trials of a study, composed and validated before the first launch. Raises ConfigError."""

    def __init__(self, loaded: LoadedConfig) -> None:
        self.config = loaded.study
        self.composer = TrialComposer(loaded)
        self.cells: tuple[Cell, ...] = ()
        self.space: tuple[Param, ...] = ()
        self.fixed: Plan | None = None
        if self.config.driver.name == "grid":
            self.cells = DESIGNS[str(self.config.driver.settings["design"])](self.config.axes)
            self.fixed = build_plan(loaded, self.cells)
        else:
            self.space = parse_space(self.config.params)

    def compose(self, proposal: Proposal) -> TrialSpec:
        """Return the trial of a proposal."""
        return self.composer.compose(proposal.cell, (proposal.seed,))[0]

    def enrol(self, store: Store, record: StudyRecord) -> None:
        """Bring a study's stored trials up to this plan.

        Trials that answer another question (another target, axis, space, or task code) are retired: kept, and left out
        of this study's ranking. Trials that are missing are added, and those that any study has finished are reused.
        """
        with store.transaction():
            stored = store.trials(record.id, retired=True)
            wanted = self._wanted(stored)
            current = [trial for trial in stored if (trial.cell.key, trial.seed, trial.fingerprint) in wanted]
            store.set_current(record.id, [trial.id for trial in current])
            if self.fixed is None:
                return
            known = {(trial.cell.key, trial.seed) for trial in current}
            missing = [spec for spec in self.fixed.trials if (spec.cell.key, spec.seed) not in known]
            added = store.add_trials(record.id, missing)
            finished = store.find_finished(trial.fingerprint for trial in added) if self.config.reuse else {}
            for trial in added:
                if trial.fingerprint in finished:
                    store.reuse(trial.id, finished[trial.fingerprint])

    def _wanted(self, stored: list[TrialRecord]) -> set[tuple[str, int, str]]:
        """Return (cell, seed, fingerprint) of the trials that the question as asked now is about."""
        if self.fixed is not None:
            specs: tuple[TrialSpec, ...] = self.fixed.trials
        else:
            space = PointSpace(self.config.axes, self.space)
            found = [t for t in stored if t.seed in self.config.seeds and (t.cell == BASE or space.point(t.cell))]
            specs = tuple(spec for trial in found if (spec := self._recomposed(trial)) is not None)
        return {(spec.cell.key, spec.seed, spec.fingerprint) for spec in specs}

    def _recomposed(self, trial: TrialRecord) -> TrialSpec | None:
        try:
            return self.compose(Proposal(trial.cell, trial.seed))
        except ConfigError:  # a key that the task no longer has
            return None

    def to_dict(self) -> dict[str, Any]:
        """Return plan.json: all trials of a fixed design, otherwise what is searched."""
        if self.fixed is not None:
            return self.fixed.to_dict()
        return {
            "schema": 1,
            "study": self.config.name,
            "task": self.config.task_name,
            "driver": {"name": self.config.driver.name, **self.config.driver.settings},
            "axes": {a.name: {lv.name: list(lv.overrides) for lv in a.levels} for a in self.config.axes},
            "params": dict(self.config.params),
            "seeds": list(self.config.seeds),
        }


def estimate(planned: StudyPlan, store: Store | None) -> dict[str, Any]:
    """Return what a plan will cost as far as can be known before anything runs.

    `reused`: trials that have been run before; `slots`: how many run at once; `steps`: optimizer steps at most;
    `wall_s`: seconds, from the finished trials of the same task, None where there are none.
    """
    config = planned.config
    specs = planned.fixed.trials if planned.fixed is not None else ()
    total = len(specs) or int(config.driver.settings.get("n_trials", 0))
    finished = store.find_finished({spec.fingerprint for spec in specs}) if store is not None and config.reuse else {}
    reused = sum(spec.fingerprint in finished for spec in specs)
    with closing(build_launcher(config.launcher)) as launcher:
        slots = launcher.free_slots
    seen = _seconds_seen(store, config.task_name) if store is not None else []
    return {
        "reused": reused,
        "slots": slots,
        "steps": (total - reused) * config.target.budget_steps,
        "wall_s": (total - reused) / slots * sum(seen) / len(seen) if seen else None,
    }


def _seconds_seen(store: Store, task: str) -> list[float]:
    """Return how long each finished trial of a task took."""
    return [
        outcome.wall_s
        for study in store.studies()
        if study.task == task
        for outcome in store.outcomes(study.id)
        if outcome.state is TrialState.COMPLETED and not outcome.reused
    ]
