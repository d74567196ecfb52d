"""Trial states (execution, never the scientific verdict) and the one table of legal transitions.

                 +-----------------------------------------------+
                 v                                               | retry
pending --> launching --> running --> completed                  |
                 |            |-----> failed ---------------------+
                 |            |-----> lost -----------------------+
                 |            |-----> timed_out
                 |            '-----> pruned
                 '--> failed | lost
pending, launching, running --> cancelled

running <--> paused --> cancelled
                |-----> launching

A paused run waits at a step of its training. Its process may end meanwhile: the trial stays paused, and to continue it
a new run is launched that begins from its first step. A paused trial is cancelled if the driver abandons it.
"""

from collections.abc import Mapping

from sweep.domain.enums import StrEnum


class TrialState(StrEnum):
    """Where the execution of a trial stands."""

    PENDING = "pending"  # planned, nothing launched
    LAUNCHING = "launching"  # the intent to start a run is recorded; it holds its slot until the first event
    RUNNING = "running"  # the run's process has reported itself
    PAUSED = "paused"  # the run waits at a step until the driver continues or abandons it
    COMPLETED = "completed"  # has a result.json; judging what it says is the judge's job
    FAILED = "failed"  # the run ended without a result; the failure class says why
    TIMED_OUT = "timed_out"  # stopped after timeout_s; its curve is kept
    PRUNED = "pruned"  # ended early by the driver; its curve is kept
    LOST = "lost"  # its process is gone and left neither a result nor an exit status
    CANCELLED = "cancelled"  # the user stopped it, or the driver abandoned it while it was paused


LIVE_STATES = frozenset({TrialState.LAUNCHING, TrialState.RUNNING})
FINISHED_STATES = frozenset(set(TrialState) - LIVE_STATES - {TrialState.PENDING, TrialState.PAUSED})
OPEN_STATES = LIVE_STATES | {TrialState.PENDING, TrialState.PAUSED, TrialState.CANCELLED}
"""Trials that run, or that the same command will still run: their outcome is open."""

LEGAL_TRANSITIONS: dict[TrialState, frozenset[TrialState]] = {
    TrialState.PENDING: frozenset({TrialState.LAUNCHING, TrialState.CANCELLED, TrialState.COMPLETED}),
    TrialState.LAUNCHING: FINISHED_STATES | {TrialState.RUNNING},
    TrialState.RUNNING: FINISHED_STATES | {TrialState.PAUSED},
    TrialState.PAUSED: frozenset({TrialState.RUNNING, TrialState.LAUNCHING, TrialState.CANCELLED}),
    TrialState.FAILED: frozenset({TrialState.PENDING}),
    TrialState.LOST: frozenset({TrialState.PENDING}),
    # `rerun`, or running the same command again, may requeue these; completed trials are never repeated.
    TrialState.TIMED_OUT: frozenset({TrialState.PENDING}),
    TrialState.PRUNED: frozenset({TrialState.PENDING}),
    TrialState.CANCELLED: frozenset({TrialState.PENDING}),
    TrialState.COMPLETED: frozenset(),
}
"""The states that each state may change to. pending -> completed is the reuse of a finished trial."""


def is_legal(old: TrialState, new: TrialState) -> bool:
    """Return whether a trial may change from `old` to `new`."""
    return new in LEGAL_TRANSITIONS[old]


class FailureClass(StrEnum):
    """Why a run ended without a result."""

    CRASH = "crash"  # the task raised, or its process exited by itself
    OOM = "oom"  # out of host or GPU memory
    TIMEOUT = "timeout"  # over timeout_s
    KILLED = "killed"  # a signal that sweep did not send
    LOST = "lost"  # the process is gone, and how it ended is unknown
    INFRA = "infra"  # the machine: disk full, process could not be started, device vanished


RETRIED = frozenset({FailureClass.KILLED, FailureClass.LOST, FailureClass.INFRA, FailureClass.OOM})
"""Failure classes that are retried. Divergence is not a failure and is never retried."""


class StopReason(StrEnum):
    """Why a run that wrote a result stopped."""

    RETURNED = "returned"  # the task finished by itself
    BUDGET = "budget"  # budget_steps reached
    CONVERGED = "converged"  # target held and stop_early
    DIVERGED = "diverged"  # non-finite or blown-up loss and stop_early
    PRUNED = "pruned"  # the driver asked for it
    STOPPED = "stopped"  # SIGTERM: the study is stopping


def count_ended(states: Mapping[str, int]) -> int:
    """Return the number of trials that have ended, given the number of trials per state."""
    return sum(count for state, count in states.items() if TrialState(state) not in OPEN_STATES)
