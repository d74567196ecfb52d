"""The overfit probe: the task's own training on a few samples, regularisation off, until they are learnt."""

from collections.abc import Mapping
from typing import Any

from sweep.domain.check import FINDINGS
from sweep.domain.overfit import OverfitGate
from sweep.rundir import write_json_atomic
from sweep.task import StopTrial, TaskConfig
from sweep.worker.hooks import Hooks, Role, around_function
from sweep.worker.probes.reading import UnreadableError, split_sets
from sweep.worker.probes.reduced import reduce_set

AMONG = 200
"""The samples are chosen among so many."""
NO_DATA = "the task has no function data(cfg)"
NOT_CALLED = "train(cfg, run) does not take its data from data(cfg) of its own module: call data(cfg) in train"


def run_probe(task: Any, cfg: TaskConfig, run: Any, settings: Mapping[str, Any]) -> None:
    """Train the task on `samples` samples; FINDINGS says on which, what was switched off, and whether that worked.

    What the training logs is the run's. `not_checked` in FINDINGS says why there was nothing to be seen. Raises what
    the task raises.
    """
    if task.data is None:
        _leave(run, {"not_checked": NO_DATA})
        return
    changed, cfg = _unregularised(cfg, settings)
    few = FewSamples(task.data, int(settings["samples"]))
    gated = GatedRun(run, few, settings)
    findings: dict[str, Any] = {"changed": changed}
    try:
        with Hooks(Role.CHANGES) as hooks:
            around_function(hooks, task.data, lambda _: few)
            task.train(cfg, gated)
    except StopTrial:
        raise
    except UnreadableError as error:
        findings["not_checked"] = str(error)
    finally:
        # Also where the task fails or the run is stopped: what it was trained on explains what was logged.
        if not few.calls:
            findings["not_checked"] = NOT_CALLED
        _leave(run, {**findings, "samples": few.n, "classes": few.classes, "steps": run.last_step or 0})


class FewSamples:
    """Stands for a task's `data`: returns the same few samples as training and as validation set, at every call."""

    def __init__(self, data: Any, n: int) -> None:
        self.n = n
        self.calls = 0
        self.classes: list[str] = []
        self._data = data
        self._sets: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the task's `data` returns, with the few samples in place of its sets."""
        self.calls += 1
        if self._sets is None:
            whole = self._data(*args, **kwargs)
            train, val = split_sets(whole)
            few = reduce_set(train, self.n, limit=AMONG)
            self.n, self.classes = few.n, list(few.classes)
            self._sets = few.data if val is None else (few.data, few.data, *tuple(whole)[2:])
        return self._sets


class GatedRun:
    """The run as the task sees it: what it logs is recorded, and ends the training once the samples are learnt.

    As in any trial a step is looked at once it is over, so that the order of logging within it does not matter.
    """

    def __init__(self, run: Any, few: FewSamples, settings: Mapping[str, Any]) -> None:
        self._run = run
        self._few = few
        self._steps = int(settings["steps"])
        self._gate = OverfitGate(float(settings["loss_fraction"]), run.target)
        self._is_over = False
        self._step: int | None = None
        self._values: dict[str, float] = {}  # all that was logged at that step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def log(self, step: int, **metrics: float) -> None:
        """Record scalars; raise StopTrial if by now they are learnt or not finite, or the last step is over."""
        if step != self._step and self._step is not None and not self._is_over:
            is_learnt = self._gate.update(self._step, self._values)
            is_lost = self._gate.state().bad_step is not None
            self._is_over = is_learnt or is_lost or self._step >= self._steps
            self._values = {}
        if not self._is_over:
            self._run.log(step, **metrics)
            self._step = step
            self._values |= {name: float(value) for name, value in metrics.items()}
            self._is_over = not self._few.calls  # not trained on the samples: there is nothing to see
        if self._is_over:
            raise StopTrial("returned")


def _unregularised(cfg: TaskConfig, settings: Mapping[str, Any]) -> tuple[list[str], TaskConfig]:
    """Return (the overrides made, the config with them).

    Regularisation off, batches no larger than the set, and training long enough: an epoch of ten samples is one step.
    """
    wanted = {key: value for key, value in settings["regularisation"].items() if key in cfg and cfg[key] is not None}
    for key in settings["length"]:
        if type(cfg.get(key)) is int and cfg[key] < int(settings["steps"]):
            wanted[key] = int(settings["steps"])
    size, scale = cfg.get("batch_size"), cfg.get("batch_scale")
    if isinstance(size, int) and size * (scale or 1) > int(settings["samples"]):
        wanted |= {"batch_size": int(settings["samples"])} | ({} if scale is None else {"batch_scale": 1.0})
    changed = {key: value for key, value in wanted.items() if cfg[key] != value}
    return [f"task.{key}={_text(value)}" for key, value in changed.items()], TaskConfig({**cfg, **changed})


def _text(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _leave(run: Any, findings: Mapping[str, Any]) -> None:
    write_json_atomic(run.artifact(FINDINGS), dict(findings))
