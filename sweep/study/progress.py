"""What a study reports while it runs."""

from typing import Protocol

from sweep.domain.trial import Outcome


class Progress(Protocol):
    """Where a study reports to: a terminal, a log."""

    def start(self, total: int | None, done: int) -> None:
        """The loop begins: `total` trials, None if that is not known, of which `done` have finished before."""

    def trial_started(self, number: int, cell: str, seed: int, budget_steps: int) -> None:
        """A trial's process has started."""

    def trial_progress(self, number: int, step: int, metric: str | None, value: float | None) -> None:
        """A running trial has logged up to `step`."""

    def trial_ended(self, outcome: Outcome) -> None:
        """A trial has ended and is judged."""

    def message(self, text: str) -> None:
        """Show a message to the user."""

    def close(self) -> None:
        """The loop has ended; another may begin."""
