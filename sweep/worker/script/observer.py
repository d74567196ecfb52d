"""Observes the training of a program without its help, and records it as series of the run."""

import json
from types import TracebackType
from typing import Any

from sweep.domain.facts import INVENTORY
from sweep.domain.inventory import Inventory, LossSite
from sweep.domain.json_form import to_json
from sweep.worker.hooks import Hooks, Role
from sweep.worker.hooks.patching import Function
from sweep.worker.hooks.points import STEPS, around_optimizers, on_backward
from sweep.worker.run import WorkerRun
from sweep.worker.surgery import KNOBS
from sweep.worker.surgery.book import Book

LOSS = "step/loss"
"""Series of the loss at the first call site of a backward pass. Those of further sites are `step/loss_2`, ..."""


class Observer:
    """Hooks the training of a program while it runs. `book` gets what surgery finds in it."""

    def __init__(self, run: WorkerRun, book: Book) -> None:
        self._run, self._book = run, book
        self._hooks = Hooks(Role.WATCHES)
        self._steps = 0
        self._depth = 0
        self._losses: dict[str, Any] = {}  # by series: the last loss
        self._sites: dict[str | None, str] = {}  # series by call site
        self._calls: dict[str, int] = {}

    def __enter__(self) -> "Observer":
        on_backward(self._hooks, self._take_loss)
        around_optimizers(self._hooks, STEPS, self._make_step)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._hooks.close()

    def record_inventory(self) -> None:
        """Record the inventory of this run as a fact."""
        where = {series: site for site, series in self._sites.items()}
        losses = tuple(LossSite(series=name, where=where[name], calls=n) for name, n in self._calls.items())
        book = self._book
        inventory = Inventory(
            parts=book.parts,
            knobs=KNOBS,
            changed=book.changes,
            losses=losses,
            seeding=tuple(book.seeding),
            limits=tuple(book.limits),
            steps=self._steps,
        )
        self._run.describe(**{INVENTORY: json.dumps(to_json(inventory))})

    def _take_loss(self, loss: Any) -> None:
        site = self._book.sites.here()
        number = len(self._sites) + 1
        series = self._sites.setdefault(site, LOSS if number == 1 else f"{LOSS}_{number}")
        self._calls[series] = self._calls.get(series, 0) + 1
        self._losses[series] = loss

    def _make_step(self, below: Function) -> Function:
        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            self._depth += 1
            try:
                result = below(optimizer, *args, **kwargs)
            finally:
                self._depth -= 1
            if not self._depth:
                self._stepped()
            return result

        return step

    def _stepped(self) -> None:
        self._steps += 1
        losses, self._losses = self._losses, {}
        if losses:
            self._run.log(self._steps, **{name: float(loss.mean()) for name, loss in losses.items()})
