"""How long a run has run: time limits count from its process's start, without the time it was paused."""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTime:
    """When a run's process started and for how long it has been paused, all in seconds of one clock.

    `paused_s` is the sum of past pauses, `paused_at_s` the start of the current one, None if it is running.
    """

    started_at_s: float
    paused_s: float = 0.0
    paused_at_s: float | None = None

    def paused(self, at_s: float) -> "RunningTime":
        """Return it with a pause from `at_s` on; unchanged if it is paused."""
        return self if self.paused_at_s is not None else replace(self, paused_at_s=at_s)

    def continued(self, at_s: float) -> "RunningTime":
        """Return it with its pause ended at `at_s`; unchanged if it runs."""
        if self.paused_at_s is None:
            return self
        return replace(self, paused_s=self.paused_s + at_s - self.paused_at_s, paused_at_s=None)

    def elapsed_s(self, now_s: float) -> float:
        """Return for how long it has run by `now_s`, pauses left out."""
        until_s = now_s if self.paused_at_s is None else self.paused_at_s
        return max(0.0, until_s - self.started_at_s - self.paused_s)

    def deadline_s(self, limit_s: float | None) -> float:
        """Return when it will have run for `limit_s`; infinity without a limit, and while it is paused."""
        if limit_s is None or self.paused_at_s is not None:
            return math.inf
        return self.started_at_s + self.paused_s + limit_s
