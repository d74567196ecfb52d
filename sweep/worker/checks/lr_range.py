"""The learning-rate range test: one short training in which the rate rises step by step (docs/lr_range.md).

It replaces the optimizer's rate and schedule from outside: `step` and `minimize` of all Paddle optimizers are hooked
while the task trains.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sweep.domain.check import FINDINGS, Check
from sweep.domain.json_form import to_object
from sweep.domain.lr_range import FEWEST_STEPS, LOSSES, RATES, BlowUp, Ramp, RangeFindings
from sweep.domain.roles import shown_loss
from sweep.rundir import write_json_atomic
from sweep.task import StopTrial, TaskConfig
from sweep.worker.hooks import Hooks, Role
from sweep.worker.hooks.patching import Function
from sweep.worker.run import WorkerRun
from sweep.worker.seeding import seed_globals

if TYPE_CHECKING:
    from sweep.worker.loading import Task

SCHEDULE_STEPS = 10_000
"""Number of steps for which a schedule is followed to find its highest rate."""


def run_check(task: "Task", cfg: TaskConfig, run: WorkerRun, check: Check) -> None:
    """Train with a rising rate, log RATES and LOSSES, and write RangeFindings.

    A task that ends before the last rate is trained once more from its start, with the range spread over the number of
    steps that it makes, so that one test covers the whole range. A script's length is known before (plan/settle.py).
    """
    try:
        from sweep.worker.hooks.points import STEPS, around_optimizers, on_backward
    except ImportError:  # without paddle there is no Paddle optimizer
        _leave(run, RangeFindings())
        return
    ramp = Ramp(lr_min=check.number("lr_min"), lr_max=check.number("lr_max"), steps=check.whole("steps"))
    test = RangeTest(run, ramp)
    with Hooks(Role.CHANGES) as hooks:
        around_optimizers(hooks, STEPS, test.around_step)
        on_backward(hooks, test.take_loss)
        task.train(cfg, test.run)
        if not task.is_script and FEWEST_STEPS <= test.index < ramp.steps:
            steps = test.index
            test.begin(Ramp(lr_min=ramp.lr_min, lr_max=ramp.lr_max, steps=steps), first_step=steps)
            seed_globals(run.seed)
            task.train(cfg, test.run)
    test.leave()


class RangeTest:
    """Observes every backward pass and every optimizer step, and sets the rate of each step."""

    def __init__(self, run: WorkerRun, ramp: Ramp) -> None:
        self.real = run
        self.run = UnloggedRun(self)
        self.optimizers: list[Any] = []
        self.facts = RangeFindings()
        self.is_inside = False
        self.begin(ramp, first_step=0)

    def begin(self, ramp: Ramp, *, first_step: int) -> None:
        """Start a range test, after `first_step` optimizer steps."""
        self.ramp, self.first_step, self.index = ramp, first_step, 0
        self.optimizers.clear()
        self.end = BlowUp()
        self.seen: list[float] = []
        self.loss_from: str | None = None

    def take_logged(self, step: int, metrics: Mapping[str, float]) -> None:
        """Record what the task logs; its loss is used if no backward pass gave one."""
        if not self.optimizers:
            self.real.log(step)  # ends the trial if a stop is requested
            if step >= self.ramp.steps:  # no optimizer step is to be expected
                self._stop()
        elif self.loss_from != "backward":
            name = shown_loss(self.real.target, metrics)
            if name is not None:
                self.loss_from = "log"
                self._record(self.index - 1, float(metrics[name]))
            if self.index >= self.ramp.steps:
                self._stop()

    def leave(self) -> None:
        """Write FINDINGS."""
        findings = replace(
            self.facts,
            steps=self.index,
            first_step=self.first_step,
            loss_from=self.loss_from,
            optimizers=len(self.optimizers),
        )
        _leave(self.real, findings)

    def take_loss(self, loss: Any) -> None:
        """Record the loss of a backward pass."""
        if int(loss.size) == 1:
            self.loss_from = "backward"
            self.seen.append(float(loss.item()))  # works for shape [1], too; float() does not

    def around_step(self, original: Function) -> Function:
        """Return a step that uses the rate of the test."""

        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            # A step may call others; in wrappers such as LookAhead the rate means something else.
            if self.is_inside or getattr(optimizer, "inner_optimizer", None) is not None:
                return original(optimizer, *args, **kwargs)
            self.is_inside = True
            try:
                return self._step(original, optimizer, args, kwargs)
            finally:
                self.is_inside = False

        return step

    def _step(self, original: Function, optimizer: Any, args: Any, kwargs: Any) -> Any:
        """Make one step. Steps of the first optimizer use the rate of the ramp, and end the test when it is over."""
        if not any(optimizer is known for known in self.optimizers):
            self.optimizers.append(optimizer)
            if len(self.optimizers) == 1 and not self.first_step:
                self.facts = _facts(optimizer)
        if optimizer is not self.optimizers[0]:
            return original(optimizer, *args, **kwargs)
        before = self._mean_seen()
        if before is not None:
            self._record(self.index, before)
        own = optimizer._learning_rate
        try:
            optimizer._learning_rate = rate = self._rate(self.index)
            optimizer.set_lr(rate)  # also sets the tensor that the update reads, if it exists
            result = original(optimizer, *args, **kwargs)
        finally:
            optimizer._learning_rate = own  # so that its schedule continues
        if before is None and (inside := self._mean_seen()) is not None:  # LBFGS evaluates the loss within its step
            self._record(self.index, inside)
        self.index += 1
        if self.index >= self.ramp.steps and self.loss_from == "backward":
            self._stop()
        return result

    def _record(self, index: int, loss: float) -> None:
        self.real.log(self.first_step + index, **{RATES: self._rate(index), LOSSES: loss})
        if self.end.update(loss):
            self._stop()

    def _rate(self, index: int) -> float:
        return self.ramp.rate(min(index, self.ramp.steps - 1))

    def _stop(self) -> None:
        self.leave()
        raise StopTrial("the range test is over")

    def _mean_seen(self) -> float | None:
        """Return the mean loss of the backward passes since the last step (gradients may be accumulated)."""
        seen, self.seen = self.seen, []
        return sum(seen) / len(seen) if seen else None


class UnloggedRun:
    """The run that the task gets in a range test: logged values are not kept, everything else is the real run's."""

    def __init__(self, test: RangeTest) -> None:
        self._test = test

    def log(self, step: int, **metrics: float) -> None:
        """Record the values; raise StopTrial if the test is over, or if no optimizer has made a step by its end."""
        self._test.take_logged(step, metrics)

    def watch(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: in a range test the monitor would not show how the task usually trains."""

    def hapi_callback(self) -> Any:
        """Return the run's callback for `paddle.Model.fit`, which logs here."""
        from sweep.worker.monitor.hapi import RunCallback

        return RunCallback(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._test.real, name)


def _facts(optimizer: Any) -> RangeFindings:
    """Return the types of optimizer and schedule, and the highest rate without the test."""
    own = optimizer._learning_rate
    is_schedule = hasattr(own, "last_lr")
    return RangeFindings(
        optimizer=type(optimizer).__name__,
        scheduler=type(own).__name__ if is_schedule else None,
        base_lr=highest_rate(own) if is_schedule else float(own),
    )


def highest_rate(schedule: Any) -> float | None:
    """Return the highest rate of an LRScheduler over its next SCHEDULE_STEPS steps; None if none is above 0."""
    ahead = copy.deepcopy(schedule)
    ahead.verbose = False
    rates = [float(ahead.last_lr)]
    try:
        for _ in range(SCHEDULE_STEPS):
            ahead.step()
            rates.append(float(ahead.last_lr))
    except Exception:  # needs a metric, or its function fails: the rates so far are used
        pass
    known = [rate for rate in rates if math.isfinite(rate) and rate > 0]
    return float(f"{max(known):.9g}") if known else None  # a cosine returns to its base only up to rounding


def _leave(run: WorkerRun, findings: RangeFindings) -> None:
    write_json_atomic(run.artifact(FINDINGS), to_object(findings), is_durable=False)
