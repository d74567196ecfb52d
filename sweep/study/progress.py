"""What a study tells whoever watches it while it runs."""

from typing import Protocol

from sweep.domain.trial import Outcome


class Progress(Protocol):
    """Whoever watches a study: a terminal, a log."""

    def start(self, total: int | None, done: int) -> None:
        """The loop begins: `total` trials in all where that is known, `done` of them finished before."""

    def trial_started(self, number: int, cell: str, seed: int, budget_steps: int) -> None:
        """A trial's process is there."""

    def trial_progress(self, number: int, step: int, metric: str | None, value: float | None) -> None:
        """A running trial has logged up to `step`."""

    def trial_ended(self, outcome: Outcome) -> None:
        """A trial is judged."""

    def message(self, text: str) -> None:
        """Something a person should read."""

    def close(self) -> None:
        """The loop has ended; another may begin."""
