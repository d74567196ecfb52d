"""Trials as planned, as stored, and as the analysis sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sweep.domain.axis import Cell
from sweep.domain.check import Check
from sweep.domain.kinds import StudyKind
from sweep.domain.recorded_config import RecordedConfig
from sweep.domain.rules import RULES_VERSION
from sweep.domain.states import OPEN_STATES, FailureClass, TrialState
from sweep.domain.target import Target
from sweep.domain.verdict import Judgement, Symptom, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec:
    """A trial to launch: a cell with a seed, its resolved task config and its fingerprint.

    `task` is plain data (dict, list, str, int, float, bool, None), `overrides` are the Hydra overrides that make it
    from the base, `fingerprint` is a hex digest of everything that determines the outcome (plan/fingerprint).
    """

    cell: Cell
    seed: int
    overrides: tuple[str, ...]
    task: Mapping[str, object] = field(hash=False)
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecord:
    """A study as stored. `config` is the resolved config, `provenance` as in summary.json.

    `store` is the absolute URL of the store it was read from, without a password.
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
        """The stages that the study consists of, in order; empty if it has trials."""
        return self.config.stages

    @property
    def check(self) -> Check | None:
        """What its trials do instead of training, None if they are trained."""
        section = self.config.probe
        return None if section is None else Check.from_mapping(section)

    @property
    def is_confirmed(self) -> bool:
        """Whether another study confirms the result (of a learning-rate range test)."""
        return self.config.is_confirmed

    @property
    def target(self) -> Target:
        """The target. Raises KeyError for a record without a config."""
        return self.config.target


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """A trial as stored. `number` counts from 0 within its study.

    `source_trial_id` is the finished trial (of any study) whose run and verdict this one reuses. `until_step` is the
    optimizer step at which its run pauses, None to run to the end.
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

    `token` is unique to the attempt, across all stores (None for runs of earlier versions). `handle` is how its
    launcher finds it again: opaque, None until launched. `host`, `pid`, `pid_started_at` (seconds since the epoch) and
    `device` describe its process, None while unknown.
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
    """A trial as the analysis needs it: one row of a study's table.

    `steps` is how far the run got, `wall_s` how long it took; both 0 if it never ran. `best` and `final` are of the
    target's metric, None if it never had a finite value. In state `paused` all values are as of now: the run waits at
    `steps` and may continue. `rules_version` is that of the verdict. `is_check`: the trial was not trained to the
    target, and is not judged.
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
        """Whether the trial is evidence about convergence: a crash or an undecided trial is not."""
        return self.verdict is not Verdict.UNDECIDED

    @property
    def is_open(self) -> bool:
        """Whether the trial is running or has not run: it has no verdict yet, and does not count in the cost."""
        return self.state in OPEN_STATES and not self.is_evidence

    @property
    def converged(self) -> bool:
        """Whether the target was met and held."""
        return self.verdict is Verdict.CONVERGED
