"""The trial as a task of sweep."""

from launching.training import trial
from sweep.task import Run, TaskConfig


def train(cfg: TaskConfig, run: Run) -> None:
    """Run the trial of this seed and log its losses."""
    for step, loss in trial(cfg.kind, run.seed):
        run.log(step, **{"train/loss": loss})
