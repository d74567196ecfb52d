"""What is said of a program that has come to its end without training."""

import sys
from collections.abc import Sequence
from typing import Any

import paddle

from sweep.domain.inventory import LossSite
from sweep.errors import SweepError
from sweep.worker.hooks import Hooks
from sweep.worker.hooks.patching import Function


class NoStepError(SweepError):
    """The program ended without a step of a Paddle optimizer: says what was seen instead."""


class StaticRuns:
    """Counts the runs of static graphs, which are not observed."""

    def __init__(self, hooks: Hooks) -> None:
        self.number = 0
        hooks.around(paddle.static.Executor, "run", self._make_run)

    def _make_run(self, below: Function) -> Function:
        def run(*args: Any, **kwargs: Any) -> Any:
            self.number += 1
            return below(*args, **kwargs)

        return run


def untrained(losses: Sequence[LossSite], static_runs: int) -> str:
    """Return why a program without a step has nothing to judge, by what was seen of it."""
    ended = "the program ended without a step of a Paddle optimizer, so there is nothing to judge"
    if static_runs or not paddle.in_dynamic_mode():
        return f"{ended}: it is static-graph only, and only training in Paddle's dynamic graph is observed"
    if losses:
        seen = ", ".join(f"{site.where or 'a package'} ({site.calls} times)" for site in losses)
        return f"{ended}: backward() was called at {seen}, but no optimizer's step() or minimize() followed"
    other = next((name for name in ("torch", "tensorflow", "jax", "sklearn") if name in sys.modules), None)
    trains = f"; it uses {other}" if other else ""
    return (
        f"{ended}: no backward() and no optimizer was called{trains}. If it trains only with some arguments, give them "
        "after --: python -m sweep SCRIPT.py -- --mode train"
    )
