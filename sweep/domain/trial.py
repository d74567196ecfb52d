"""Trials as planned, as stored, and as the analysis sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sweep.domain.axis import Cell
from sweep.domain.check import Check
from sweep.domain.kinds import StudyKind
from sweep.domain.recordedconfig import RecordedConfig
from sweep.domain.rules import RULES_VERSION
from sweep.domain.states import OPEN_STATES, FailureClass, TrialState
from sweep.domain.target import Target
from sweep.domain.verdict import Judgement, Symptom, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec:
    """One trial to be launched: a cell with a seed, its resolved task config and its fingerprint.

    `task` is plain data (dict, list, str, int, float, bool, None), `overrides` the Hydra overrides that make it
    from the base, `fingerprint` a hex digest of all that decides the trial's outcome (plan/fingerprint).
    """

    cell: Cell
    seed: int
    overrides: tuple[str, ...]
    task: Mapping[str, object] = field(hash=False)
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecord:
    """One study as the store holds it. `config` is the resolved config, `provenance` as in summary.json.

    `store` is the absolute URL of the store that it was read from, without a password.
    """

    id: int
    name: str
    kind: StudyKind
    task: str
    command: tuple[str, ...]
    config: RecordedConfig
    provenance: Mapping[str, object] = field(hash=False)
    created_at: datetime
    ended_at: datetime | None
    status: str  # "running", "ended", "interrupted", "failed"
    store: str = ""

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that it is made of, in order; empty if it has trials."""
        return self.config.stages

    @property
    def check(self) -> Check | None:
        """What its trials do instead of training, None if they are trained."""
        section = self.config.probe
        return None if section is None else Check.from_mapping(section)

    @property
    def is_confirmed(self) -> bool:
        """Whether another study confirms what this one suggests: that of a learning-rate range."""
        return self.config.is_confirmed

    @property
    def target(self) -> Target:
        """What "converged" means in this study. Raises KeyError for a record without a config."""
        return self.config.target


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """One trial as the store holds it. `number` counts from 0 within its study.

    `source_trial_id` is the finished trial (of any study) whose run and verdict this one reuses. `until_step` is the
    optimizer step at which its run is to be paused, None if it is to run to its end.
    """

    id: int
    study_id: int
    number: int
    cell: Cell
    seed: int
    fingerprint: str
    overrides: tuple[str, ...]
    task: Mapping[str, object] = field(hash=False)
    state: TrialState
    source_trial_id: int | None
    judgement: Judgement | None
    until_step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One attempt to execute a trial.

    `token` names the attempt and no other, in any store (None for runs of earlier versions). `handle` is how its
    launcher finds it again: opaque, None until it was launched. `host`, `pid`, `pid_started_at` (seconds since the
    epoch) and `device` are what was learnt of its process, None as long as that is not known.
    """

    id: int
    trial_id: int
    attempt: int
    dir: str
    state: TrialState
    host: str | None
    pid: int | None
    pid_started_at: float | None
    device: str | None
    exit_code: int | None
    failure: FailureClass | None
    message: str | None
    stop_reason: str | None
    started_at: datetime | None
    ended_at: datetime | None
    wall_s: float | None
    ingested_bytes: int
    token: str | None = None
    handle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the analysis needs to know of one trial: one row of a study's table.

    `steps` is how far the run got, `wall_s` what it took; both 0 where it never ran. `best` and `final` are of the
    target's metric, None where it was never logged finite. In state `paused` it is a part: the run stands at `steps`
    and may be continued, and all else is as far as it got. `rules_version` is that of the verdict. `is_check`: the
    trial was not trained to the target, and is not judged.
    """

    number: int
    cell: Cell
    seed: int
    state: TrialState
    verdict: Verdict
    tau: int | None
    steps: int
    wall_s: float
    best: float | None = None
    final: float | None = None
    symptoms: tuple[Symptom, ...] = ()
    failure: FailureClass | None = None
    reason: str = ""
    reused: bool = False
    rules_version: int = RULES_VERSION
    is_check: bool = False

    @property
    def is_evidence(self) -> bool:
        """Whether the trial says anything about convergence: a crash or an undecided trial does not."""
        return self.verdict is not Verdict.UNDECIDED

    @property
    def is_open(self) -> bool:
        """Whether the trial runs, or is still to run: it has no verdict yet, and is no part of the cost in trials."""
        return self.state in OPEN_STATES and not self.is_evidence

    @property
    def converged(self) -> bool:
        """Whether the target was met and held."""
        return self.verdict is Verdict.CONVERGED
