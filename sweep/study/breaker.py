"""When to stop a study early: if its first trials all fail in the same way."""

from dataclasses import dataclass, field

from sweep.domain.states import FailureClass, TrialState
from sweep.launch import RunEnded
from sweep.rundir import StudyDir
from sweep.rundir.logs import readable_lines

SYSTEMATIC = 3
"""Number of trials that must fail in the same way, with none completed, to stop a study."""

LOG_TAIL = 30
"""Number of lines shown of a failed trial's log, from its last 8 KiB: some tasks print megabytes without a newline."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A trial that failed and is not retried. `device` is that of its last run, None if it never started."""

    number: int
    failure: FailureClass | None
    message: str
    device: str | None

    @property
    def kind(self) -> tuple[FailureClass | None, str]:
        """What makes failures alike: the class and the exception type, signal or exit code, but not the text after."""
        return self.failure, self.message.partition(":")[0]


@dataclass(slots=True)
class CircuitBreaker:
    """Counts how the trials of a study end.

    One bad device is not a systematic failure: while any device in use has had no failure, the launcher handles it.
    """

    completed: int = 0  # trials with a result, in any session
    failed: list[Failed] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)  # on which runs were started

    @property
    def is_open(self) -> bool:
        """Whether the study should stop."""
        if self.completed or len(self.failed) < SYSTEMATIC or len({trial.kind for trial in self.failed}) > 1:
            return False
        return self.devices <= {trial.device for trial in self.failed}

    def count(self, number: int, ended: RunEnded, device: str | None) -> None:
        """Count a trial that has ended and is not retried."""
        if ended.state is TrialState.FAILED:
            self.failed.append(Failed(number, ended.failure, ended.message, device))
        elif ended.state is not TrialState.CANCELLED:
            self.completed += 1

    def failure_log(self, folder: StudyDir) -> str:
        """Return the end of the first failed trial's log, headed by the trial; empty if none has failed."""
        if not self.failed:
            return ""
        first = self.failed[0]
        lines = list(readable_lines(folder.trial(first.number).log_tail().splitlines()))[-LOG_TAIL:]
        return "\n".join([f"trial {first.number}: {first.message}", *(f"  | {line}" for line in lines)])
