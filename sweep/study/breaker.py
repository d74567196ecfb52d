"""When to give a study up early: its first trials fail, all in the same way."""

from dataclasses import dataclass, field

from sweep.domain.states import FailureClass, TrialState
from sweep.launch import RunEnded, log_tail
from sweep.rundir import StudyDir
from sweep.rundir.logs import readable_lines

SYSTEMATIC = 3
"""So many trials that fail in the same way, with none completed, stop a study."""

LOG_TAIL = 30
"""Lines of a failed trial's log that are shown, of its last 8 KiB: some print megabytes without an end of line."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A trial that failed for good. `device` is where its last run was, None where it never started."""

    number: int
    failure: FailureClass | None
    message: str
    device: str | None

    @property
    def kind(self) -> tuple[FailureClass | None, str]:
        """What makes failures alike: class and exception type (or signal, or exit code), never the words after it."""
        return self.failure, self.message.partition(":")[0]


@dataclass(slots=True)
class CircuitBreaker:
    """Counts how the trials of a study end.

    One bad device is no systematic failure: as long as a device in use has had none, it is the launcher's business.
    """

    completed: int = 0  # trials that came to a result, in whatever session
    failed: list[Failed] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)  # that runs were started on

    @property
    def is_open(self) -> bool:
        """Whether the study is to be given up."""
        if self.completed or len(self.failed) < SYSTEMATIC or len({trial.kind for trial in self.failed}) > 1:
            return False
        return self.devices <= {trial.device for trial in self.failed}

    def count(self, number: int, ended: RunEnded, device: str | None) -> None:
        """Take in a trial that has ended and is not tried again."""
        if ended.state is TrialState.FAILED:
            self.failed.append(Failed(number, ended.failure, ended.message, device))
        elif ended.state is not TrialState.CANCELLED:
            self.completed += 1

    def failure_log(self, folder: StudyDir) -> str:
        """Return the end of the first failed trial's log, with the trial named; empty where none has failed."""
        if not self.failed:
            return ""
        first = self.failed[0]
        lines = list(readable_lines(log_tail(folder.trial(first.number).log).splitlines()))[-LOG_TAIL:]
        return "\n".join([f"trial {first.number}: {first.message}", *(f"  | {line}" for line in lines)])
