"""Factories of records and outcomes: each is complete and plain; a test names only what it is about."""

from datetime import datetime, timezone

from sweep.domain.axis import BASE
from sweep.domain.kinds import StudyKind
from sweep.domain.recorded_config import RecordedConfig
from sweep.domain.states import TrialState
from sweep.domain.trial import Outcome, RunRecord, StudyRecord, TrialRecord
from sweep.domain.verdict import Verdict

AT = datetime(2026, 3, 2, 9, 30, tzinfo=timezone.utc)
"""When everything happened that has no time."""


def outcome(**changes: object) -> Outcome:
    """Return the outcome of a trial of the base that converged at step 90 of 100; other verdicts have no `tau`."""
    converged = changes.get("verdict", Verdict.CONVERGED) is Verdict.CONVERGED
    values = {
        "number": 0, "cell": BASE, "seed": 0, "state": TrialState.COMPLETED, "verdict": Verdict.CONVERGED,
        "tau": 90 if converged else None, "steps": 100, "wall_s": 1.0,
    }  # fmt: skip
    return Outcome(**(values | changes))


def study_record(**changes: object) -> StudyRecord:
    """Return the record of an ablation study that has ended."""
    values = {
        "id": 1, "name": "s", "kind": StudyKind.ABLATION, "task": "digits", "command": (), "config": RecordedConfig(),
        "provenance": {}, "created_at": AT, "ended_at": AT, "status": "ended",
    }  # fmt: skip
    return StudyRecord(**(values | changes))


def trial_record(**changes: object) -> TrialRecord:
    """Return the record of a completed trial of the base, without a verdict."""
    values = {
        "id": 1, "study_id": 1, "number": 0, "cell": BASE, "seed": 0, "fingerprint": "ab", "overrides": (), "task": {},
        "state": TrialState.COMPLETED, "source_trial_id": None, "judgement": None,
    }  # fmt: skip
    return TrialRecord(**(values | changes))


def run_record(**changes: object) -> RunRecord:
    """Return the record of a run that returned by itself after two seconds."""
    values = {
        "id": 1, "trial_id": 1, "attempt": 1, "dir": "results/s/trials/0", "state": TrialState.COMPLETED, "host": "h",
        "pid": 4, "pid_started_at": 1.0, "device": "cpu", "exit_code": 0, "failure": None, "message": None,
        "stop_reason": "returned", "started_at": AT, "ended_at": AT, "wall_s": 2.0, "ingested_bytes": 0,
    }  # fmt: skip
    return RunRecord(**(values | changes))
