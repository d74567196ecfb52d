"""The checks: what a trial does with its task instead of training to the target.

what the task trains on
  data        the data check: measures the sets, and puts a batch through the model
  reading     what `data(cfg)` returns, whatever it is
  measures    figures of inputs and labels
  ignored     the label that stands for "ignored"
  neighbours  whether labels go with inputs, by the nearest neighbours
  stretches   the same, along the rows
  forward     a batch through a model

how it trains
  overfit     the overfit gate: the task's training on a few samples
  reduced     a training set cut down to these
  lr_range    the learning-rate range test
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sweep.domain.check import Check, CheckName
from sweep.task import TaskConfig

if TYPE_CHECKING:
    from sweep.worker.loading import Task
    from sweep.worker.run import WorkerRun

RunCheck: TypeAlias = "Callable[[Task, TaskConfig, WorkerRun, Check], None]"
"""Runs a check of a task: logs series through `run.log`, writes what else it found as the run's FINDINGS, and returns,
or lets StopTrial through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """What runs a check. `prepares` is False if it prepares the task itself: failing to load data is a finding."""

    run: RunCheck
    prepares: bool = True


def _data(task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> None:
    from sweep.worker.checks.data import run_check  # NumPy and Pillow come with it

    run_check(task, cfg, run, check)


def _overfit(task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> None:
    from sweep.worker.checks.overfit import run_check

    run_check(task, cfg, run, check)


def _lr_range(task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> None:
    from sweep.worker.checks.lr_range import run_check

    run_check(task, cfg, run, check)


RUNNERS: Mapping[CheckName, Runner] = {
    CheckName.DATA: Runner(run=_data, prepares=False),
    CheckName.OVERFIT: Runner(run=_overfit),
    CheckName.LR_RANGE: Runner(run=_lr_range),
}
