"""Dropout of whole paths (stochastic depth), which Paddle does not have: found by the name of a class or function."""

import sys
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import paddle

from sweep.worker.hooks import around_function
from sweep.worker.hooks.patching import Function
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.calls import Argument, Once, caller, made_at

NAMES = frozenset({"droppath", "stochasticdepth", "dropconnect"})
"""Names, in lower case and without `_`, that classes of programs have for it."""

FUNCTIONS = frozenset({"drop_path", "droppath", "DropPath", "stochastic_depth", "drop_connect"})
"""Names of functions for it, as they are spelled: looking at all names of all modules would take long."""

RATES = ("drop_prob", "drop_rate", "drop_path", "dropout_prob", "rate", "prob", "p")
"""Names of its probability, as an attribute or an argument."""


def install(surgery: Surgery, probability: float | None) -> None:
    """Record the classes and functions with such a name that are used; with a number, use that as their probability."""
    paths = _Paths(surgery, probability)
    surgery.hooks.around(paddle.nn.Layer, "__init__", paths.make_init)
    surgery.hooks.around(paddle.optimizer.Optimizer, "__init__", paths.make_optimizer_init)


def is_named_so(name: str) -> bool:
    """Return whether a class of this name drops paths."""
    return name.lower().replace("_", "") in NAMES


class _Paths:
    def __init__(self, surgery: Surgery, probability: float | None) -> None:
        self._surgery, self._probability = surgery, probability
        self._kinds: set[type] = set()
        self._functions: set[FunctionType] = set()
        self._made_at: WeakKeyDictionary[Any, str | None] = WeakKeyDictionary()
        self._seen: WeakSet[Any] = WeakSet()
        self._once = Once()
        self._depth = 0

    def make_init(self, below: Function) -> Function:
        """Find a class at the first layer that is made of it."""

        def __init__(layer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
            kind = type(layer)
            if is_named_so(kind.__name__):
                if kind not in self._kinds:
                    self._kinds.add(kind)
                    self._surgery.hooks.around(kind, "forward", self._make_forward)
                below(layer, *args, **kwargs)
                self._made_at[layer] = made_at(self._surgery.book, layer)
            else:
                below(layer, *args, **kwargs)

        return __init__

    def make_optimizer_init(self, below: Function) -> Function:
        """Find the program's functions: when an optimizer is made, its modules are imported."""

        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
            for function in _functions_named_so() - self._functions:
                self._functions.add(function)
                around_function(self._surgery.hooks, function, self._make_call)
            below(optimizer, *args, **kwargs)

        return __init__

    def _make_forward(self, below: Function) -> Function:
        def forward(layer: Any, *args: Any, **kwargs: Any) -> Any:
            name = next((name for name in RATES if isinstance(vars(layer).get(name), int | float)), None)
            if not layer.training or name is None:
                if name is None:
                    self._surgery.book.limit(f"dropout: no probability is known of {type(layer).__name__}")
                return below(layer, *args, **kwargs)
            before = vars(layer)[name]
            if layer not in self._seen:
                self._seen.add(layer)
                self._record(f"{type(layer).__name__}({name}={before:g})", before, self._made_at.get(layer))
            self._depth += 1
            try:
                if self._probability is not None and before:
                    vars(layer)[name] = self._probability
                return below(layer, *args, **kwargs)
            finally:
                vars(layer)[name] = before
                self._depth -= 1

        return forward

    def _make_call(self, below: Function) -> Function:
        rate = next(filter(None, (Argument.of(below, name) for name in RATES)), None)
        training = Argument.of(below, "training")

        def drop_path(*args: Any, **kwargs: Any) -> Any:
            if rate is None or self._depth or (training is not None and not training.get(args, kwargs)):
                return below(*args, **kwargs)
            before = rate.get(args, kwargs)
            if not before:  # None, 0: there is no dropping here
                return below(*args, **kwargs)
            frame = caller()
            if self._once.is_first(frame):
                where = self._surgery.book.sites.above(frame)
                self._record(f"{below.__name__}({rate.name}={before:g})", before, where)
            if self._probability is not None:
                args, kwargs = rate.put(args, kwargs, self._probability)
            return below(*args, **kwargs)

        return drop_path

    def _record(self, what: str, before: float, where: str | None) -> None:
        book = self._surgery.book
        book.found("dropout", what, value=float(before), where=where)
        if self._probability is not None and before and before != self._probability:
            book.changed("dropout", what, value=float(before), where=where)


def _functions_named_so() -> set[FunctionType]:
    found: set[FunctionType] = set()
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if isinstance(names, dict):
            found.update(names[name] for name in names.keys() & FUNCTIONS if isinstance(names[name], FunctionType))
    return found
