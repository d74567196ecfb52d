"""What a study will run: the trials of a fixed design, or the space that an adaptive driver draws from."""

import logging
from dataclasses import asdict, dataclass
from statistics import fmean, median

from sweep.clock import monotonic_s
from sweep.config import LoadedConfig, StudyConfig
from sweep.domain.kinds import StudyKind
from sweep.domain.states import TrialState
from sweep.domain.trial import StudyRecord, TrialRecord, TrialSpec
from sweep.drivers import Driver, DriverInput, DriverSpec, Expected, Proposal, read_driver
from sweep.errors import ConfigError
from sweep.judge import SymptomThresholds
from sweep.launch import can_pause, slots_of, starts_warm
from sweep.launch.machine import usable_cores
from sweep.plan import DESIGNS, Plan, TrialComposer, build_plan
from sweep.plan.space import parse_space
from sweep.store import Store
from sweep.study.walltime import recorded_s

logger = logging.getLogger(__name__)

WARM_TRIAL_S = 0.0116
"""Wall time (s) of a study per trial, for forked trials that do nothing, on two slots: imports, store, judging, logs
and reports included (results/benchmarks/launch.md, 10.6 to 12.9 ms)."""

COLD_START_S = 1.23
"""The same for trials that each start an interpreter and import paddle, multiplied by the two slots it was measured on
(0.575 to 0.639 s per trial)."""

MANY = 100
"""Number of trials from which a finished study shows the overhead of a trial: the study's own start weighs little."""


def driver_of(config: StudyConfig) -> DriverSpec:
    """Return the driver of a study, its settings read. Raises ConfigError."""
    given = DriverInput(
        settings=config.driver.settings,
        axes=config.axes,
        space=parse_space(config.params),
        target=config.target,
        seeds=config.seeds,
        designs=DESIGNS,
        inert=config.inert,
        can_pause=can_pause(config.launcher),
    )
    return read_driver(config.driver.name, given)


class StudyPlan:
    """The trials of a study, composed and validated before the first launch. Raises ConfigError.

    `fixed` are the trials of a driver with a fixed plan; None if the driver is adaptive.
    """

    def __init__(self, loaded: LoadedConfig) -> None:
        begun_s = monotonic_s()
        self.config = loaded.study
        self.composer = TrialComposer(loaded)
        self.spec = driver_of(self.config)
        cells = self.spec.cells
        self.fixed: Plan | None = None if cells is None else build_plan(self.composer, cells)
        self.composed_s = monotonic_s() - begun_s
        """Time that planning took; it will take as long again when the study begins."""

    @property
    def kind(self) -> StudyKind:
        """The study's kind as the store keeps it; for studies with verdicts it depends on the driver."""
        return self.spec.kind if self.config.kind.has_verdicts else self.config.kind

    def driver(self) -> Driver:
        """Return a new driver of the study, not told of any trial yet. Raises ConfigError for a wrong setting."""
        return self.spec.build()

    def compose(self, proposal: Proposal) -> TrialSpec:
        """Return the trial of a proposal."""
        return self.composer.compose(proposal.cell, (proposal.seed,))[0]

    def enrol(self, store: Store, record: StudyRecord) -> str:
        """Update a study's stored trials to this plan; return a note for the user on rejudged trials, or an empty text.

        Trials that answer another question (another target, axis, space, or task code) are retired: kept, but left out
        of this study's ranking. Missing trials are added; if any study has finished the same trial, it is reused.
        Trials with verdicts by earlier rules are judged again; those that cannot be used any more are retired too.
        """
        from sweep.study import rejudging  # it imports numpy, which `plan` does not need

        thresholds = SymptomThresholds.of(self.config.symptoms)
        rejudge = rejudging.Rejudge(store, self.config.target, thresholds, self.config.adopted)
        with store.transaction():
            stored = store.trials(record.id, retired=True)
            wanted = self._wanted(stored)
            current = [trial for trial in stored if (trial.cell.key, trial.seed, trial.fingerprint) in wanted]
            if self.config.kind.has_verdicts:
                current = rejudging.usable_trials(store, current, rejudge)
            store.set_current(record.id, [trial.id for trial in current])
            logger.info("%d of %d recorded trials belong to the current question", len(current), len(stored))
            if self.fixed is None:
                return rejudge.counts.words()
            known = {(trial.cell.key, trial.seed) for trial in current}
            missing = [spec for spec in self.fixed.trials if (spec.cell.key, spec.seed) not in known]
            added = store.add_trials(record.id, missing)
            logger.info("%d trials added", len(added))
            if self.config.reuse:
                rejudging.reuse_finished(store, added, rejudge)
        return rejudge.counts.words()

    def _wanted(self, stored: list[TrialRecord]) -> set[tuple[str, int, str]]:
        """Return (cell, seed, fingerprint) of the trials that the current question is about."""
        if self.fixed is not None:
            specs: tuple[TrialSpec, ...] = self.fixed.trials
        else:
            found = [trial for trial in stored if self.spec.accepts(trial.cell, trial.seed)]
            specs = tuple(spec for trial in found if (spec := self._recomposed(trial)) is not None)
        return {(spec.cell.key, spec.seed, spec.fingerprint) for spec in specs}

    def _recomposed(self, trial: TrialRecord) -> TrialSpec | None:
        try:
            return self.compose(Proposal(trial.cell, trial.seed))
        except ConfigError:  # a key that the task no longer has
            return None

    def to_dict(self) -> dict[str, object]:
        """Return the contents of plan.json: all trials of a fixed design, otherwise what is searched."""
        if self.fixed is not None:
            return self.fixed.to_dict()
        return {
            "schema": 1,
            "study": self.config.name,
            "task": self.config.task_name,
            "driver": {"name": self.config.driver.name, **self.spec.settings},
            "axes": {a.name: {lv.name: list(lv.overrides) for lv in a.levels} for a in self.config.axes},
            "params": dict(self.config.params),
            "seeds": list(self.config.seeds),
        }


def expected_view(expected: Expected, budget_steps: int) -> dict[str, object]:
    """Return what a driver expects of its study, as `plan` shows it; costs in base run equivalents and in steps."""
    view: dict[str, object] = {"trials": expected.trials, "summary": expected.summary}
    if expected.candidates:
        view["candidates"] = [cell.key for cell in expected.candidates]
    if expected.price is not None:
        bre = asdict(expected.price)
        view["price"] = {name: {"bre": cost, "steps": round(cost * budget_steps)} for name, cost in bre.items()}
    return view


def estimate(planned: StudyPlan, store: Store | None) -> dict[str, object]:
    """Return what a plan will cost, as far as that is known before anything runs.

    `reused`: number of trials that have been run before; `slots`: number that run at once; `steps`: largest number of
    optimizer steps, None while a script's length is unknown; `overhead_s`: seconds for composing, starting, judging and
    recording, without the trials' own time; `wall_s`: seconds in total, estimated from finished trials of the same
    task, None if there are none.
    """
    config = planned.config
    specs = planned.fixed.trials if planned.fixed is not None else ()
    total, cap = len(specs), None
    if planned.fixed is None:
        expected = planned.spec.expected()
        total = expected.trials or 0
        cap = None if expected.price is None else expected.price.cap
    finished = _finished(store, config, {spec.fingerprint for spec in specs}) if store and config.reuse else set()
    reused = sum(spec.fingerprint in finished for spec in specs)
    whole_runs = float(total - reused) if cap is None else cap
    slots = slots_of(config.launcher)
    seen = _seen(store, config.task_name, slots) if store is not None else None
    measured_s = 0.0 if seen is None else seen.overhead_s
    each_s = max(trial_overhead_s(starts_warm(config.launcher), slots), measured_s)
    overhead_s = planned.composed_s + (total - reused) * each_s
    return {
        "reused": reused,
        "slots": slots,
        "steps": None if config.target.is_open else round(whole_runs * config.target.budget_steps),
        "overhead_s": overhead_s,
        "wall_s": None if seen is None else overhead_s + whole_runs / slots * seen.trial_s,
    }


def _finished(store: Store, config: StudyConfig, fingerprints: set[str]) -> set[str]:
    """Return the fingerprints for which a finished trial can be reused, judged again if by earlier rules."""
    finished = set(store.find_finished(fingerprints))
    left = fingerprints - finished
    is_adopted = config.adopted is not None and config.adopted.fingerprint in left
    if not is_adopted and not store.find_outdated(left):
        return finished
    from sweep.study.rejudging import Rejudge  # it imports numpy

    return (
        finished
        | Rejudge(store, config.target, SymptomThresholds.of(config.symptoms), config.adopted).reusable(left).keys()
    )


def trial_overhead_s(is_warm: bool, slots: int) -> float:
    """Return the seconds that a trial adds to a study beside its own time, at this number of slots.

    Trials are forked one at a time from one process. Interpreters start in parallel, up to one per core.
    """
    if is_warm:
        return WARM_TRIAL_S
    return COLD_START_S / max(1, min(slots, usable_cores()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Times of earlier studies of a task: `trial_s` per trial itself, `overhead_s` per trial beside it (0: unknown)."""

    trial_s: float
    overhead_s: float


def _seen(store: Store, task: str, slots: int) -> Seen | None:
    """Return the times of the finished trials of a task, None if there are none.

    The overhead is taken from studies of 100 trials or more, scaled to this number of slots.
    """
    times: list[float] = []
    beside: list[float] = []
    for study in store.studies():
        if study.task != task:
            continue
        own = [o for o in store.outcomes(study.id) if o.state is TrialState.COMPLETED and not o.reused]
        times += [outcome.wall_s for outcome in own]
        if len(own) >= MANY:
            wall_s = recorded_s(store, study)
            beside.append((wall_s - sum(outcome.wall_s for outcome in own) / slots) / len(own))
    return Seen(trial_s=fmean(times), overhead_s=max(0.0, median(beside)) if beside else 0.0) if times else None
