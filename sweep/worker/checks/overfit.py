"""The overfit gate: the task's own training on a few samples, without regularisation, until it fits them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from sweep.domain.check import FINDINGS, Check
from sweep.domain.json_form import to_object
from sweep.domain.overfit import OverfitFindings, OverfitGate
from sweep.rundir import write_json_atomic
from sweep.task import StopTrial, TaskConfig
from sweep.worker.checks.reading import UnreadableError, split_sets
from sweep.worker.checks.reduced import reduce_set
from sweep.worker.hooks import Hooks, Role, around_function

if TYPE_CHECKING:
    from sweep.worker.checks.few_batches import FewBatches
    from sweep.worker.loading import Task
    from sweep.worker.run import WorkerRun

AMONG = 200
"""Number of samples from which the few are chosen."""
LOSS_PREFIX = "step/"
"""The series with the losses of a script."""
NO_DATA = "the task has no function data(cfg)"
NOT_CALLED = "train(cfg, run) does not call data(cfg) of its module: call it in train to get the data"


def run_check(task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> None:
    """Train the task on a few samples and write OverfitFindings. The run has what the training logs.

    Raises any error that the task raises.
    """
    if task.data is None and not task.is_script:
        _leave(run, OverfitFindings(not_checked=NO_DATA))
        return
    changed, cfg = _unregularised(cfg, check, is_script=task.is_script)
    few = _few_of_script(check) if task.is_script else FewSamples(task.data, check.whole("samples"))
    gated = GatedRun(run, few, check)
    findings = OverfitFindings(changed=changed)
    try:
        with Hooks(Role.CHANGES) as hooks:
            if isinstance(few, FewSamples):
                around_function(hooks, few.data, lambda _: few)
            else:
                few.install(hooks)
            task.train(cfg, gated)
    except StopTrial:
        raise
    except UnreadableError as error:
        findings = replace(findings, not_checked=str(error))
    finally:
        # Also if the task fails or the run is stopped: the samples explain what was logged.
        if not few.calls:
            findings = replace(findings, not_checked=few.problem or _why_no_samples(task))
        _leave(run, replace(findings, samples=few.n, classes=few.classes, steps=run.last_step or 0))


class FewSamples:
    """Replaces a task's `data`: every call returns the same few samples as training set and as validation set."""

    def __init__(self, data: Any, n: int) -> None:
        self.n = n
        self.calls = 0
        self.classes: tuple[str, ...] = ()
        self.step = 0
        self.problem = ""
        self.data = data
        self._sets: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the task's `data` returns, with the few samples in place of its sets."""
        self.calls += 1
        if self._sets is None:
            whole = self.data(*args, **kwargs)
            train, val = split_sets(whole)
            few = reduce_set(train, self.n, limit=AMONG)
            self.n, self.classes = few.n, few.classes
            self._sets = few.data if val is None else (few.data, few.data, *tuple(whole)[2:])
        return self._sets


class GatedRun:
    """The run that the task gets: it records what is logged, and ends the training once it fits the samples.

    A step is judged after its last log, as in any trial, so that the order of logs within a step does not matter.
    """

    def __init__(self, run: "WorkerRun", few: "FewSamples | FewBatches", check: Check) -> None:
        self._run = run
        self._few = few
        self._steps = check.whole("steps")
        self._gate = OverfitGate(check.number("loss_fraction"), run.target)
        self._is_over = False
        self._step: int | None = None
        self._values: dict[str, float] = {}  # everything logged at that step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def log(self, step: int, **metrics: float) -> None:
        """Record scalars; raise StopTrial if the samples are fitted, a loss is not finite, or the last step is over."""
        if not isinstance(self._few, FewSamples):  # what a script prints may be a mean over an epoch, which has no end
            metrics = {name: value for name, value in metrics.items() if name.startswith(LOSS_PREFIX)}
        if step != self._step and self._step is not None and not self._is_over:
            is_learnt = self._gate.update(self._step, self._values)
            is_lost = self._gate.state().bad_step is not None
            self._is_over = is_learnt or is_lost or self._step >= self._steps
            self._values = {}
        if not self._is_over:
            self._run.log(step, **metrics)
            self._step = self._few.step = step
            self._values |= {name: float(value) for name, value in metrics.items()}
            self._is_over = not self._few.calls  # data(cfg) was not called: the training does not use the samples
        if self._is_over:
            raise StopTrial("returned")


def _few_of_script(check: Check) -> "FewBatches":
    from sweep.worker.checks.few_batches import FewBatches  # imports paddle

    return FewBatches(check.whole("samples"))


def _why_no_samples(task: "Task") -> str:
    if not task.is_script:
        return NOT_CALLED
    from sweep.worker.checks.few_batches import NO_LOADER

    return NO_LOADER


def _unregularised(cfg: TaskConfig, check: Check, *, is_script: bool) -> tuple[tuple[str, ...], TaskConfig]:
    """Return the overrides for overfitting, and the config with them.

    Regularisation is off, a batch is not larger than the set, and keys for the length of the training are raised to the
    number of steps: an epoch of ten samples is one step.
    """
    off = cast("Mapping[str, object]", check.settings["regularisation"])
    steps, samples = check.whole("steps"), check.whole("samples")
    # null is "none" in a task function, "as it is" in a script
    wanted = {key: value for key, value in off.items() if key in cfg and (is_script or cfg[key] is not None)}
    for key in cast("list[str]", check.settings["length"]):
        if type(cfg.get(key)) is int and cfg[key] < steps:
            wanted[key] = steps
    size, scale = (None, None) if is_script else (cfg.get("batch_size"), cfg.get("batch_scale"))
    if isinstance(size, int) and size * (scale or 1) > samples:
        wanted |= {"batch_size": samples} | ({} if scale is None else {"batch_scale": 1.0})
    changed = {key: value for key, value in wanted.items() if cfg[key] != value}
    words = tuple(f"task.{key}={_text(value)}" for key, value in changed.items())
    return words, TaskConfig({**cfg, **changed})


def _text(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _leave(run: "WorkerRun", findings: OverfitFindings) -> None:
    write_json_atomic(run.artifact(FINDINGS), to_object(findings))
