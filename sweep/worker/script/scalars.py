"""What a program reports by other means than printing: scalars of VisualDL and tensorboard, logs of `paddle.Model`."""

import sys
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from paddle.hapi.callbacks import CallbackList

from sweep.domain.metric_words import normal_name
from sweep.worker.hooks import Hooks
from sweep.worker.hooks.patching import Function

Report = Callable[[Mapping[str, float]], None]

WRITERS = {
    "visualdl": "LogWriter",
    "tensorboardX": "SummaryWriter",
    "torch.utils.tensorboard": "SummaryWriter",
    "torch.utils.tensorboard.writer": "SummaryWriter",
}
"""Classes with `add_scalar(tag, value, ...)`, by the module that has them."""

NOT_LOGGED = ("step", "steps", "batch_size")
"""Entries in the logs of `paddle.Model` that are no metrics."""


class Scalars:
    """Calls `report({name: value})` for each scalar that the program writes, and for the logs of `paddle.Model`."""

    def __init__(self, hooks: Hooks, report: Report) -> None:
        self._hooks, self._report = hooks, report
        self._missing = dict(WRITERS)
        self._hooked: set[type] = set()
        self._is_inside = False  # callbacks of paddle.Model run: VisualDL's writes what is reported here already
        hooks.around(CallbackList, "on_batch_end", self._make_batch_end)
        hooks.around(CallbackList, "on_end", self._make_end)
        self.look()

    def look(self) -> None:
        """Listen to those writers that the program has imported by now. Called often: it costs half a microsecond."""
        for name in [name for name in self._missing if name in sys.modules]:
            kind = getattr(sys.modules[name], self._missing[name], None)
            if not isinstance(kind, type):
                continue  # it is being imported
            del self._missing[name]
            if kind not in self._hooked and hasattr(kind, "add_scalar"):
                self._hooked.add(kind)
                self._hooks.around(kind, "add_scalar", self._make_add)

    def _make_add(self, below: Function) -> Function:
        def add_scalar(writer: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._is_inside:
                tag = args[0] if args else kwargs.get("tag", kwargs.get("main_tag"))
                value = args[1] if len(args) > 1 else kwargs.get("value", kwargs.get("scalar_value"))
                number = scalar(value)
                if isinstance(tag, str) and number is not None:
                    self._report({normal_name(tag): number})
            return below(writer, *args, **kwargs)

        return add_scalar

    def _make_batch_end(self, below: Function) -> Function:
        def on_batch_end(callbacks: Any, mode: str, step: Any = None, logs: Any = None) -> Any:
            if mode == "train":
                self._logged("train", logs)
            return self._called(below, callbacks, mode, step, logs)

        return on_batch_end

    def _make_end(self, below: Function) -> Function:
        def on_end(callbacks: Any, mode: str, logs: Any = None) -> Any:
            if mode == "eval":
                self._logged("val", logs)
            return self._called(below, callbacks, mode, logs)

        return on_end

    def _called(self, below: Function, *args: Any) -> Any:
        was, self._is_inside = self._is_inside, True
        try:
            return below(*args)
        finally:
            self._is_inside = was

    def _logged(self, part: str, logs: Any) -> None:
        values = {name: scalar(value) for name, value in (logs or {}).items() if name not in NOT_LOGGED}
        self._report({f"{part}/{name}": value for name, value in values.items() if value is not None})


def scalar(value: Any) -> float | None:
    """Return a number, an array or tensor of one value, or the sum of a list of losses as a float; else None."""
    if isinstance(value, list | tuple):
        parts = [scalar(one) for one in value]
        return None if not parts or None in parts else sum(part for part in parts if part is not None)
    if isinstance(value, bool):
        return None
    if isinstance(value, Real):
        return float(value)
    try:
        return float(value.item())
    except Exception:  # a program's own class may do anything
        return None
