"""The monitor of one model and optimizer: it is called at each backward and each step, and records sampled steps."""

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import paddle

from sweep.worker.hooks import Hooks, Role
from sweep.worker.hooks.points import STEPS, around_optimizer, on_backward, on_call
from sweep.worker.monitor.activations import Activations
from sweep.worker.monitor.coverage import Coverage
from sweep.worker.monitor.grad_clearing import GradClearing
from sweep.worker.monitor.layers import (
    clip_norm,
    decay_coefficients,
    scheduler_of,
    settings,
    size_of,
    spread,
    trained_parameters,
    weighted_layers,
)
from sweep.worker.monitor.nonfinite import bad_counts, find_origin
from sweep.worker.monitor.sampling import Sampling
from sweep.worker.monitor.tensor_stats import LARGE, Statistics, TensorReader, gradient_of
from sweep.worker.monitor.trace import FirstStep

Record = Callable[[int, Mapping[str, float]], None]
Hook = Callable[..., Any]
Describe = Callable[[Mapping[str, float | str]], None]

MAX_SEARCHES = 3
"""Maximum number of steps at which a run with NaN is searched thoroughly outside the sampling."""


class Monitor:
    """Records a run's `watch/...` series and facts (docs/monitor.md) until closed. It never raises.

    It draws no random numbers. `prefix` follows `watch/` in every name: empty, or `2/` for the second optimizer of a
    run. `watched` returns all optimizers that the run watches.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        *,
        sampling: Sampling,
        record: Record,
        describe: Describe,
        prefix: str = "",
        watched: Callable[[], Iterable[Any]] = tuple,
    ) -> None:
        self.model, self.optimizer, self._watched = model, optimizer, watched
        self._sampling, self._record, self._describe, self._prefix = sampling, record, describe, prefix
        self._step = 0
        self._pending: Any = None  # the loss of the last backward, not read yet
        self._is_bad = False  # a loss was NaN or infinite, and its cause was not searched for yet
        self._inputs: Any = None
        self._searches = 0
        self._is_inside = False
        self._undo: list[Callable[[], None]] = []
        self._hooks = Hooks(Role.WATCHES)
        self._guarded(self._open)()

    @property
    def steps(self) -> int | None:
        """The number of steps that the optimizer has made, or None when it is no longer watched."""
        return self._step if self._undo else None

    def review(self) -> None:
        """Update the report of parameters without an optimizer, after another optimizer was added."""
        self._guarded(self._review)()

    def _review(self) -> None:
        if self._undo and self._coverage.has_missed:
            self._record_facts(self._coverage.optimizers(self._step, [self.optimizer, *self._watched()]))

    def close(self) -> None:
        """Remove all hooks: model, optimizer and paddle are as they were before."""
        undo, self._undo = self._undo, []
        for action in reversed(undo):
            action()
        self._pending = self._inputs = None

    # Hooks

    def _open(self) -> None:
        if not hasattr(self.model, "named_sublayers") or not hasattr(self.optimizer, "step"):
            given = f"{type(self.model).__name__} and {type(self.optimizer).__name__}"
            raise TypeError(f"run.watch(model, optimizer) takes a paddle.nn.Layer and an optimizer, not {given}")
        self._parameters = trained_parameters(self.optimizer)
        self._layers = weighted_layers(self.model, self._parameters)
        self._reader = TensorReader(self._parameters)
        self._decay = decay_coefficients(self.optimizer, self._parameters)
        self._scheduler = scheduler_of(self.optimizer)
        self._scheduler_began = getattr(self._scheduler, "last_epoch", 0)
        self._record_facts(settings(self.model, self.optimizer))
        self._choose_layers()
        self._coverage = Coverage(self.model, self._parameters)
        self._clearing = GradClearing(self._parameters)
        self._undo.append(self._hooks.close)
        self._clearing.listen(self._hooks, self.optimizer)
        self._first = FirstStep(self.model, self._guarded)
        self._undo.append(self._first.close)
        self._activations = Activations(self.model, self._guarded)
        self._undo.append(self._activations.detach)
        self._activations.attach()
        on_call(self._hooks, self.model, self._keep_inputs)
        on_backward(self._hooks, self._on_backward)
        around_optimizer(self._hooks, self.optimizer, STEPS, self._counted)

    def _choose_layers(self) -> None:
        """Choose the layers that get series, and the parameter whose gradient is checked at each of the first steps.

        A NaN in a backward pass spreads to the front, so the gradient of the first layer's weight shows it. (The
        gradient of the bias does not: a ReLU turns NaN into 0, so a NaN among the inputs reaches only the weight.)
        """
        self._shown = spread(self._layers, self._sampling.most_layers)
        near = [self._parameters[layer.index] for layer in self._layers[:1]]
        self._probe = min([p for p in near if size_of(p) <= LARGE] or self._parameters, key=size_of, default=None)
        probe = self._probe  # computed once: at every step this would cost as much as the check itself
        self._is_probe_plain = probe is not None and probe.place.is_cpu_place() and probe.dtype == paddle.float32

    def _counted(self, original: Hook) -> Hook:
        after_step = self._guarded(self._after_step)

        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if optimizer is not self.optimizer or self._is_inside:  # another optimizer, or minimize calling step
                return original(optimizer, *args, **kwargs)
            self._is_inside = True
            try:
                before = None
                try:  # not by `_guarded`, which would add a call to every step
                    before = self._before_step()
                except Exception as error:
                    self._turn_off(error)
                result = original(optimizer, *args, **kwargs)
                if before is not None:
                    after_step(before)
                return result
            finally:
                self._is_inside = False

        return step

    def _keep_inputs(self, model: Any, inputs: Any, named: Any) -> None:
        if model.training:
            self._inputs = inputs, named

    def _on_backward(self, loss: Any) -> None:
        try:
            if not self._first.is_over:
                self._end_first_forward()
            if self._pending is not None:
                self._check_without_step()
            if not self._clearing.is_cleared and self._checks_clearing(self._step + 1):
                self._clearing.before_backward()
            shape = loss.shape  # `loss.size` runs an operator and takes 20 times as long
            if shape and shape != [1]:
                self._pending = None
            else:  # on the CPU there is nothing to wait for
                self._pending = loss.item() if self._is_probe_plain else loss.detach()
        except Exception as error:
            self._turn_off(error)

    def _checks_clearing(self, step: int) -> bool:
        return step <= self._sampling.close or self._sampling.has_scalars(step)

    def _end_first_forward(self) -> None:
        self._first.close()
        self._record_facts(self._first.facts())
        self._activations.learn(self._first.functional)
        order = {name: place for place, (name, _) in enumerate(self._first.order)}
        self._layers = weighted_layers(self.model, self._parameters, order)
        self._choose_layers()

    # One optimizer step

    def _before_step(self) -> Any:
        """Return what `_after_step` needs, or None if the step is not sampled."""
        self._step += 1
        self._clearing.before_step()
        following = self._step + 1
        if not following % self._sampling.layers and self._sampling.has_layers(following):
            self._activations.attach()
        loss = self._read_loss()
        is_bad, self._is_bad = self._is_bad, False
        is_sampled = self._sampling.has_scalars(self._step)
        if not is_bad and not is_sampled:
            if self._step > self._sampling.close or self._is_probe_finite():
                return None
            if self._is_skipped():
                return None
            is_bad = True
        may_search = self._searches < MAX_SEARCHES
        if not is_sampled and not may_search:
            return None
        with paddle.no_grad():
            taken = self._reader.before()
            if not is_bad and not self._reader.is_finite(taken):
                if self._is_skipped():
                    return None
                is_bad = True
            counts = self._search(self._step) if is_bad and may_search else None
            return loss, self.optimizer.get_lr(), counts, taken

    def _read_loss(self) -> float | None:
        pending, self._pending = self._pending, None
        if pending is None:
            return None
        loss = pending if type(pending) is float else float(pending.item())
        self._is_bad = self._is_bad or not math.isfinite(loss)
        return loss

    def _is_probe_finite(self) -> bool:
        grad = None if self._probe is None else gradient_of(self._probe)
        if grad is None:
            return True
        if not self._is_probe_plain:
            return math.isfinite(grad.astype("float32").sum().item())
        values = grad.numpy().ravel()
        # The square of a finite gradient may overflow; the slower test then decides.
        return math.isfinite(values.dot(values)) or bool(np.isfinite(values).all())

    def _is_skipped(self) -> bool:
        """Return whether a GradScaler has found an overflow, so that it skips this step, which is normal."""
        return bool(getattr(self.optimizer, "_auxiliary_vars", {}).get("found_inf", False))

    def _after_step(self, before: Any) -> None:
        loss, rate, counts, taken = before
        with paddle.no_grad():
            seen = self._reader.statistics(taken)
        values = {"watch/lr": float(rate)} | ({} if loss is None else {"watch/loss": loss}) | self._norms(seen)
        if self._sampling.has_layers(self._step):
            values |= self._per_layer(seen) | self._activations.take()
            self._record_scheduler()
            self._record_facts(self._coverage.optimizers(self._step, [self.optimizer, *self._watched()]))
            if counts is None and not np.isfinite(seen.grad_squares + seen.weight_squares).all():
                counts = bad_counts(self._layers, self._parameters)
        values |= _bad_series(counts or {})
        if self._clearing.steps:
            values["watch/uncleared"] = float(self._clearing.steps)
        self._record_facts(self._coverage.gradients(self._step, seen.has_grad))
        self._record(self._step, self._named(values))

    def _norms(self, seen: Statistics) -> dict[str, float]:
        grad = math.sqrt(seen.grad_squares.sum())
        values = {"watch/grad_norm": grad}
        limit = clip_norm(self.optimizer)
        if limit is not None:
            values["watch/clipped"] = float(grad > limit)
        values |= _present("watch/update_ratio", _log_ratio(seen.update_squares.sum(), seen.weight_squares.sum()))
        if self._decay.any() and grad > 0:
            values["watch/decay_share"] = math.sqrt((self._decay**2 * seen.weight_squares).sum()) / grad
        return values

    def _per_layer(self, seen: Statistics) -> dict[str, float]:
        values: dict[str, float] = {}
        for layer in self._shown:
            i = layer.index
            if seen.has_grad[i]:
                values[f"watch/grad_abs/{layer.name}"] = seen.grad_abs(i)
            values |= _present(f"watch/ratio/{layer.name}", _log_ratio(seen.update_squares[i], seen.weight_squares[i]))
            values[f"watch/weight_std/{layer.name}"] = seen.weight_std(i)
        return values

    # NaN and infinity

    def _search(self, step: int) -> dict[str, tuple[int, int]]:
        """Return the layers with bad weights or gradients; the first time, record where it began."""
        self._searches += 1
        counts = bad_counts(self._layers, self._parameters)
        if self._searches == 1:
            origin = find_origin(self.model, self._inputs, self._layers, counts)
            self._record_facts(
                {"watch/first_bad": json.dumps({"step": step, "layer": origin.layer, "what": origin.what})}
            )
        return counts

    def _check_without_step(self) -> None:
        """Read the loss of a backward without a step: gradients are accumulated, or a GradScaler skipped the step."""
        loss = self._read_loss()
        if self._is_bad and loss is not None:
            self._is_bad = False
            if self._searches < MAX_SEARCHES:
                values = {"watch/loss": loss} | _bad_series(self._search(self._step + 1))
                self._record(self._step + 1, self._named(values))

    # Recording

    def _record_scheduler(self) -> None:
        if self._scheduler is not None:
            self._record_facts({"watch/scheduler_steps": float(self._scheduler.last_epoch - self._scheduler_began)})

    def _record_facts(self, facts: Mapping[str, float | str]) -> None:
        if facts:
            self._describe(self._named(facts))

    def _named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if not self._prefix:
            return dict(values)
        return {f"watch/{self._prefix}{name.removeprefix('watch/')}": value for name, value in values.items()}

    def _guarded(self, hook: Hook) -> Hook:
        """Return a hook that never raises: an error turns the monitor off, and the training continues."""

        def guarded(*args: Any) -> Any:
            try:
                return hook(*args)
            except Exception as error:
                self._turn_off(error)

        return guarded

    def _turn_off(self, error: Exception) -> None:
        text = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
        print(f"sweep: the monitor is off from step {self._step} on: {text}", file=sys.stderr, flush=True)
        with suppress(Exception):
            self.close()
        with suppress(Exception):
            self._record_facts({"watch/off": text})


def _log_ratio(update_squares: float, weight_squares: float) -> float | None:
    """Return log10(norm of update / norm of weight): -inf without an update, None if the weight is 0."""
    if not weight_squares > 0 and not math.isnan(weight_squares):
        return None
    if update_squares == 0:
        return -math.inf
    return 0.5 * (math.log10(update_squares) - math.log10(weight_squares))


def _bad_series(counts: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    return {f"watch/bad/{name}": float(weight + grad) for name, (weight, grad) in counts.items()}


def _present(name: str, value: float | None) -> dict[str, float]:
    return {} if value is None else {name: value}
