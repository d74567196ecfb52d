"""A Run that keeps what a task tells it, for tests of tasks that need no process of their own."""

from pathlib import Path

from sweep.seeds import stream_seed
from sweep.task import StopTrial


class RecordedRun:
    """Keeps lines as (step, metrics) and the facts described, and ends the trial at `stop_at`."""

    def __init__(self, seed=0, stop_at=None):
        self.seed, self.stop_at = seed, stop_at
        self.dir = Path()
        self.lines, self.facts = [], {}

    def watch(self, model, optimizer):
        pass

    def stream(self, name):
        return stream_seed(self.seed, name)

    def log(self, step, **metrics):
        self.lines.append((step, metrics))
        if self.stop_at is not None and step >= self.stop_at:
            raise StopTrial("converged")

    def describe(self, **facts):
        self.facts |= facts

    def artifact(self, name):
        return self.dir / name
