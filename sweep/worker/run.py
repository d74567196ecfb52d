"""The `run` that a task is given (sweep.task.Run): records what is logged and decides when the trial ends."""

import json
import operator
import sys
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sweep.clock import monotonic_s
from sweep.domain.facts import LATE, NOTES, RETURNED, STEPS
from sweep.domain.json_form import json_number
from sweep.domain.states import StopReason
from sweep.domain.step_clock import Placed, StepClock
from sweep.domain.steps import findings_text
from sweep.domain.target import Target
from sweep.domain.tracker import TargetTracker
from sweep.rundir import EventWriter, RunDir
from sweep.rundir.events import STEP_LIMIT
from sweep.seeds import stream_seed
from sweep.task import StopTrial

if TYPE_CHECKING:
    from sweep.worker.monitor import Monitor
    from sweep.worker.script.view import View

STOP_CHECK_EVERY_S = 0.05
"""Minimum seconds between two checks for the stop file: a stat takes microseconds, but a task may log that often."""
RETURNED_KEYS = 4
"""Maximum number of keys named of a dict that `train` returned."""
HELD_BACK_S = 0.05
"""Maximum seconds for which what is logged at each step is kept in memory."""
STOP_WAIT_S = 1.0
"""Maximum seconds for which a request to stop waits for a later step: a task may log the same step again and again."""


class WorkerRun:
    """One run of a trial. `stop_reason` is None until the trial ends, and then never changes.

    A decision (converged, diverged, budget used up) takes effect at the first log of a later step, which is not
    recorded, or when the task returns. Until then everything logged at the deciding step counts, and may change it.
    """

    def __init__(
        self,
        folder: RunDir,
        *,
        seed: int,
        target: Target,
        events: EventWriter,
        is_check: bool = False,
        watch: str = "light",
    ) -> None:
        self.stop_reason: StopReason | None = None
        self.last_step: int | None = None
        self.is_terminated = False  # SIGTERM was received; set by the signal handler
        self.before_end: list[Callable[[], object]] = []  # called if the program ends its process by `os._exit`
        self.exit_code: int | None = None  # what the program has called `os._exit` with
        self.notes: list[str] = []  # what a user should know about how it went
        self.view: View | None = None  # a program's view of its folders
        self._has_own_steps = False  # see trust_steps
        self._settle: Callable[[], None] | None = None
        self._folder = folder
        self._seed = seed
        self._is_check = is_check
        self.target = target
        self._step: int | None = None  # the largest step recorded so far
        self._decision: StopReason | None = None  # takes effect unless the current step changes it
        self._request: tuple[StopReason, float] | None = None  # a request to stop, and when it was noticed
        self._watched_step = 0
        self._tracker = TargetTracker(target)
        self._clock = StepClock(target.budget_steps)
        self._recorded_findings: object = ()
        self._events = events
        self._check_stop_at = 0.0
        self._watch = watch
        self._monitors: list[Monitor] = []
        self._until_s: float | None = None
        self.facts: dict[str, float | str] = {}  # what was recorded so far

    @property
    def seed(self) -> int:
        """The trial's seed."""
        return self._seed

    @property
    def dir(self) -> Path:
        """The run's folder."""
        return self._folder.path

    def stream(self, name: str) -> int:
        """Return the seed of a named stream, in [0, 2**31)."""
        return stream_seed(self._seed, name)

    def log(self, step: int, **metrics: float) -> None:
        """Record scalars at a step. Raises StopTrial if the trial is over, and again at every later call.

        Raises TypeError or ValueError if the step is not a whole number in range, or a metric is not one number.
        """
        if self.stop_reason is None:
            step = _checked_step(step)
            values = {name: _scalar(name, value) for name, value in metrics.items()}
            self._place(step, values)
        if self.stop_reason is not None:
            raise StopTrial(str(self.stop_reason))

    def conclude(self, returned: object = None, *, has_failed: bool = False) -> None:
        """Let the last decision take effect: the task has ended, with an error if `has_failed`.

        First, what is known only now is recorded: values whose position was not clear, and what the task `returned`.

        An error does not undo a decision: an evaluation may fail on the NaN that has just ended the trial. But a budget
        that is used up decides nothing about the target; then the error counts.
        """
        if not self._is_check:
            for at, values in self._clock.finish():
                if not self._is_over(at):
                    self._take(at, values)
            self._record_findings(is_over=True)
        if returned is not None:
            self._write_facts({RETURNED: _type_text(returned)})
        if self.stop_reason is None and not (has_failed and self._decision is StopReason.BUDGET):
            self.stop_reason = self._decision

    def describe(self, **facts: float | str) -> None:
        """Record facts about the task (`label_entropy`, `target_variance`, ...): numbers or text."""
        known = {name: value if isinstance(value, str) else _scalar(name, value) for name, value in facts.items()}
        self._tracker.learn(known)
        self._write_facts(known)

    def note(self, text: str) -> None:
        """Record what a user should know about how this run went, once, and print it into the run's log."""
        if text not in self.notes:
            self.notes.append(text)
            self._write_facts({NOTES: json.dumps(self.notes)})
            print(f"sweep: {text}", file=sys.__stderr__, flush=True)

    def end_after(self, seconds: float) -> None:
        """End this run, as if its budget were used up, at the first log of a step after this number of seconds."""
        self._until_s = monotonic_s() + seconds

    def watch(self, model: Any, optimizer: Any) -> None:
        """Record `watch/...` series and facts of this training from now on, as `watch` in the config says.

        `optimizer` is one or several. Series of the second and later optimizers of a run have a number in their names.
        An optimizer that is already watched is skipped.
        """
        if self._watch == "off":
            return
        from sweep.worker.monitor import SAMPLINGS, Monitor  # imports paddle, as the task has done by now

        for one in optimizer if isinstance(optimizer, list | tuple) else [optimizer]:
            if any(m.optimizer is one for m in self._monitors):
                continue
            monitor = Monitor(
                model,
                one,
                sampling=SAMPLINGS[self._watch],
                record=self.record_watched,
                describe=self._write_facts,
                prefix=f"{len(self._monitors) + 1}/" if self._monitors else "",
                watched=lambda: (m.optimizer for m in self._monitors),
            )
            self._monitors.append(monitor)
            for earlier in self._monitors[:-1]:
                earlier.review()

    def record_watched(self, step: int, values: Mapping[str, float]) -> None:
        """Record what a monitor saw at an optimizer step. Steps after a decision are not recorded."""
        if self._settle is not None:
            self._settle()
        if self._decision is not None and step > max(self._step or 0, self._watched_step):
            return
        self._watched_step = max(step, self._watched_step)
        self._events.log(step, values)

    def trust_steps(self, settle: Callable[[], None]) -> None:
        """From now on, take logged steps as optimizer steps, and many of them: something is logged at each step.

        `settle` logs what waits to be logged; it is called before anything that depends on it.
        """
        self._has_own_steps, self._settle = True, settle
        self._events.hold_back(HELD_BACK_S)

    @property
    def is_check(self) -> bool:
        """Whether this is a check, which counts its steps and decides when to end."""
        return self._is_check

    @property
    def is_watching(self) -> bool:
        """Whether `watch` records anything."""
        return self._watch != "off"

    def unwatch(self) -> None:
        """Remove the monitors: models, optimizers and paddle are as they were before."""
        for monitor in self._monitors:
            monitor.close()
        self._monitors = []

    def hapi_callback(self) -> Any:
        """Return a callback for `paddle.Model.fit` that logs losses and metrics, and watches model and optimizer."""
        from sweep.worker.monitor.hapi import RunCallback

        return RunCallback(self)

    def artifact(self, name: str) -> Path:
        """Return the path for an artifact of this run; creates its folder. Raises ValueError outside the run."""
        relative = PurePosixPath(name)
        if not name or relative.is_absolute() or ".." in relative.parts:
            raise ValueError(f"run.artifact: {name!r} is not a name inside the run's folder")
        path = self._folder.artifacts / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def requested_stop(self) -> StopReason | None:
        """Return the requested stop reason, or None. Checks the stop file at most every STOP_CHECK_EVERY_S."""
        now = monotonic_s()
        if now < self._check_stop_at and not self.is_terminated:
            return None
        self._check_stop_at = now + STOP_CHECK_EVERY_S
        try:
            return StopReason(self._folder.stop.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return StopReason.STOPPED if self.is_terminated else None
        except (OSError, ValueError):  # the file exists, but was edited by hand
            return StopReason.STOPPED

    def _write_facts(self, facts: Mapping[str, float | str]) -> None:
        self.facts |= facts
        self._events.write("facts", v={k: v if isinstance(v, str) else json_number(v) for k, v in facts.items()})

    def _place(self, step: int, values: Mapping[str, float]) -> None:
        """Record values at their position in the run, unless the run ends before it."""
        if self._is_check or self._has_own_steps:  # these steps need no clock
            placed: Placed = ((step, values),)
        else:
            placed = self._clock.place(step, values, self._optimizer_steps())
        for at, some in placed:
            self.stop_reason = self._end_before(at)
            if self.stop_reason is not None:
                self._record_late(at, some)
                return
            self._take(at, some)
        if not placed:  # the position is not clear yet: it counts as the current step
            self.stop_reason = self._end_before(self._step or 0)
        if not self._clock.is_plain:
            self._record_findings()

    def _take(self, step: int, values: Mapping[str, float]) -> None:
        self._events.log(step, values)
        self._step = self.last_step = step if self.last_step is None else max(step, self.last_step)
        self._decision = self._decide(step, values)

    def _optimizer_steps(self) -> int | None:
        """Return the largest number of steps of a watched optimizer, or None if none is watched."""
        return max((m.steps for m in self._monitors if m.steps is not None), default=None) if self._monitors else None

    def _record_findings(self, *, is_over: bool = False) -> None:
        """Record what was found about the logged steps, if it has changed, and at the end."""
        findings = self._clock.findings(is_over=is_over)
        known = [(finding.kind, finding.series) for finding in findings]
        if findings and (is_over or known != self._recorded_findings):
            self._write_facts({STEPS: findings_text(findings)})
        self._recorded_findings = known

    def _record_late(self, step: int, refused: Mapping[str, float]) -> None:
        """Record the step if the deciding metric is logged for the first time after the budget is used up."""
        name = self.target.named_decider
        if self.stop_reason is StopReason.BUDGET and name in refused and not self._tracker.state().evaluations:
            self._write_facts({LATE: step})

    def _is_over(self, step: int) -> bool:
        """Return whether a decision has taken effect at this step. After the budget, earlier steps are still taken."""
        if self._decision is None or step == self._step:
            return False
        return self._decision is not StopReason.BUDGET or self._step is None or step > self._step

    def _end_before(self, step: int) -> StopReason | None:
        """Return why the run ends before values at `step` are recorded, or None if it does not."""
        if self._is_over(step):
            return self._decision
        is_later = step != self._step
        if self._until_s is not None and is_later and monotonic_s() >= self._until_s:
            return StopReason.BUDGET
        if self._request is None and (requested := self.requested_stop()) is not None:
            self._request = requested, monotonic_s()
        if self._request is None or not (is_later or monotonic_s() - self._request[1] > STOP_WAIT_S):
            return None
        return self._request[0]

    def _decide(self, step: int, values: Mapping[str, float]) -> StopReason | None:
        if self._is_check:  # a check ends by itself and ignores the target
            return None
        reason = self._tracker.update(step, values)
        is_used_up = self.last_step is not None and self.last_step >= self.target.budget_steps
        return StopReason.BUDGET if reason is None and is_used_up else reason


def _checked_step(step: int) -> int:
    """Return the step as an int; a float such as 3.0 is accepted. Raises TypeError, ValueError."""
    if type(step) is not int:
        if isinstance(step, bool):
            raise TypeError("run.log: step must be a whole number, got bool")
        try:
            step = _index(step)
        except TypeError:
            got = repr(step) if isinstance(step, float) else type(step).__name__
            raise TypeError(f"run.log: step must be a whole number (the optimizer step), got {got}") from None
    if not 0 <= step < STEP_LIMIT:
        raise ValueError(f"run.log: step must be a whole number from 0 to 2**63 - 1, got {step}")
    return step


def _index(step: object) -> int:
    """Return a whole number as an int. Raises TypeError."""
    if isinstance(step, float) and step.is_integer():
        return int(step)
    return operator.index(step)  # type: ignore[arg-type]


def _scalar(name: str, value: object) -> float:
    """Return a number, a numpy scalar, or an array or tensor of one value as a float. Raises TypeError."""
    if type(value) is float:
        return value
    if value is None:
        raise TypeError(f"run: {name!r} must be one number, got None: leave it out at steps at which it has no value")
    if not isinstance(value, str | bytes | bytearray):
        try:
            # float() of an array of shape [1] depends on the version of numpy: an error from 2.4 on.
            one: Any = value
            return float(one.reshape([]) if getattr(one, "shape", None) else one)
        except Exception as error:
            raise TypeError(f"run: {name!r} must be one number, got {type(value).__name__} ({error})") from error
    raise TypeError(f"run: {name!r} must be one number, got {type(value).__name__}")


def _type_text(value: object) -> str:
    """Return the type of what `train` returned: `a dict (loss, acc)`, `a float`. Never raises."""
    try:
        keys = ", ".join(str(key)[:40] for key in list(value)[:RETURNED_KEYS]) if isinstance(value, Mapping) else ""
        kind = type(value).__name__
        return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}{f' ({keys})' if keys else ''}"
    except Exception:  # a task's own class may do anything
        return "a value"
