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

from sweep.domain.words import StrEnum


class TrialState(StrEnum):
    """Where the execution of a trial stands."""

    PENDING = "pending"  # planned, nothing launched
    LAUNCHING = "launching"  # the intent to start a run is on record; holds its slot until the first event
    RUNNING = "running"  # the run has a process that has reported itself
    PAUSED = "paused"  # its run waits at a step, until the driver has it continued or abandoned
    COMPLETED = "completed"  # a result.json is there; what it says is the judge's business
    FAILED = "failed"  # the run ended without a result: see its failure class
    TIMED_OUT = "timed_out"  # stopped after timeout_s; its curve is kept
    PRUNED = "pruned"  # the driver gave it up; its curve is kept
    LOST = "lost"  # its process is gone and left neither result nor exit status
    CANCELLED = "cancelled"  # the user stopped it, or the driver abandoned it while it was paused


LIVE_STATES = frozenset({TrialState.LAUNCHING, TrialState.RUNNING})
FINISHED_STATES = frozenset(set(TrialState) - LIVE_STATES - {TrialState.PENDING, TrialState.PAUSED})
OPEN_STATES = LIVE_STATES | {TrialState.PENDING, TrialState.PAUSED, TrialState.CANCELLED}
"""Of trials that run, or that the same command still runs: what they will say is open."""

LEGAL_TRANSITIONS: dict[TrialState, frozenset[TrialState]] = {
    TrialState.PENDING: frozenset({TrialState.LAUNCHING, TrialState.CANCELLED, TrialState.COMPLETED}),
    TrialState.LAUNCHING: FINISHED_STATES | {TrialState.RUNNING},
    TrialState.RUNNING: FINISHED_STATES | {TrialState.PAUSED},
    TrialState.PAUSED: frozenset({TrialState.RUNNING, TrialState.LAUNCHING, TrialState.CANCELLED}),
    TrialState.FAILED: frozenset({TrialState.PENDING}),
    TrialState.LOST: frozenset({TrialState.PENDING}),
    # `rerun` and a later run of the same command may take these up again; completed trials are never repeated.
    TrialState.TIMED_OUT: frozenset({TrialState.PENDING}),
    TrialState.PRUNED: frozenset({TrialState.PENDING}),
    TrialState.CANCELLED: frozenset({TrialState.PENDING}),
    TrialState.COMPLETED: frozenset(),
}
"""From each state, the states it may change to. pending -> completed is reuse of a finished trial."""


def is_legal(old: TrialState, new: TrialState) -> bool:
    """Return whether a trial may change from `old` to `new`."""
    return new in LEGAL_TRANSITIONS[old]


class FailureClass(StrEnum):
    """Why a run ended without a result."""

    CRASH = "crash"  # the task raised, or its process exited by itself
    OOM = "oom"  # out of host or GPU memory
    TIMEOUT = "timeout"  # over timeout_s
    KILLED = "killed"  # a signal that we did not send
    LOST = "lost"  # the process is gone, and with it how it ended
    INFRA = "infra"  # the machine: disk full, process could not be started, device vanished


RETRIED = frozenset({FailureClass.KILLED, FailureClass.LOST, FailureClass.INFRA, FailureClass.OOM})
"""Failure classes worth a retry. Divergence is not a failure and is never retried."""


class StopReason(StrEnum):
    """Why a run that wrote a result stopped where it did."""

    RETURNED = "returned"  # the task came to its own end
    BUDGET = "budget"  # budget_steps reached
    CONVERGED = "converged"  # target held and stop_early
    DIVERGED = "diverged"  # non-finite or blown-up loss and stop_early
    PRUNED = "pruned"  # the driver asked for it
    STOPPED = "stopped"  # SIGTERM: the study is stopping


def count_ended(states: Mapping[str, int]) -> int:
    """Return how many trials have ended, of the numbers of trials per state."""
    return sum(count for state, count in states.items() if TrialState(state) not in OPEN_STATES)
