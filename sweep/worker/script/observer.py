"""Observes the training of a program without its help, and records it as series of the run."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

import paddle

from sweep.clock import monotonic_s
from sweep.domain.facts import INVENTORY
from sweep.domain.inventory import Inventory
from sweep.domain.json_form import to_json
from sweep.domain.metric_words import normal_name
from sweep.program import listen
from sweep.task import StopTrial
from sweep.worker.hooks import Hooks, Role
from sweep.worker.hooks.patching import Function
from sweep.worker.hooks.points import STEPS, around_optimizers, on_backward
from sweep.worker.run import WorkerRun
from sweep.worker.script.ending import NoStepError, StaticRuns, untrained
from sweep.worker.script.loaders import Passes
from sweep.worker.script.losses import HeldLosses, Losses, read
from sweep.worker.script.models import Models
from sweep.worker.script.output import Output
from sweep.worker.script.scalars import Scalars
from sweep.worker.script.steps import StepCounter
from sweep.worker.surgery import KNOBS
from sweep.worker.surgery.book import Book

BATCH_MOST, BATCH_S = 16, 0.1
"""What is seen at a step is recorded after at most that many steps, or in the first step after that many seconds.

Many at once take a fifth of the time that one at each step takes: the code is then in the processor's caches. A trial
may be ended that many steps late; what it then did is not recorded.
"""
SWALLOWED_MOST = 3
"""Times that a program may catch the exception that ends its trial, by a bare `except`, before its process is ended."""


class Observer:
    """Hooks the training of a program while it runs. `book` gets what surgery finds in it.

    Everything is recorded at the program's position, in optimizer steps. The trial ends by StopTrial from the step that
    would follow its last one. `patterns` are regular expressions by metric name, for printed lines (`task.metrics`).
    """

    def __init__(self, run: WorkerRun, book: Book, patterns: Mapping[str, str] | None = None) -> None:
        self._run, self._book, self._patterns = run, book, patterns or {}
        self._hooks = Hooks(Role.WATCHES)
        self._pid = os.getpid()
        self._is_inside = False  # an optimizer's step, which may call another's
        self._swallowed = 0
        self._waiting: list[tuple[int, HeldLosses, Mapping[str, float]]] = []  # not recorded yet, by step
        self._settle_at_s = 0.0
        self._budget = run.target.budget_steps
        self._batch = 1 if run.is_check else BATCH_MOST
        self._reported: dict[str, int] = {}  # points by metric
        self._own_steps = False  # sweep.log has given steps
        self._counter = StepCounter()
        self._losses = Losses(book.sites)

    def __enter__(self) -> "Observer":
        self._run.trust_steps(self._settle_quietly)
        self._output = Output(self._patterns)
        self._passes = Passes(self._hooks, self._book.sites)
        self._static = StaticRuns(self._hooks)
        self._scalars = Scalars(self._hooks, self._report)
        self._models = Models(self._hooks, self._run.watch) if self._run.is_watching else None
        on_backward(self._hooks, self._losses.take)
        around_optimizers(self._hooks, STEPS, self._make_step)
        self._hooks.around(paddle.jit, "to_static", self._make_to_static)
        self._unlisten = listen(self._program_logs)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._unlisten()
        if self._models is not None:
            self._models.close()
        self._hooks.close()
        self._output.close()

    def record_inventory(self) -> None:
        """Record what the program reported last, and the inventory of this run as a fact."""
        self._read_output(is_over=True)
        self._settle_quietly()
        self._run.describe(**{INVENTORY: json.dumps(to_json(self.inventory))})

    @property
    def inventory(self) -> Inventory:
        """The inventory of the program so far."""
        book = self._book
        return Inventory(
            parts=book.parts,
            knobs=KNOBS,
            changed=book.changes,
            losses=self._losses.found(),
            metrics=tuple(self._reported),
            seeding=tuple(book.seeding),
            limits=tuple(book.limits),
            steps=self._counter.position,
            epochs=self._passes.epochs,
        )

    def check_trained(self) -> None:
        """Raise NoStepError if the program has come to its end without any step of an optimizer."""
        if not self._counter.position and not self._own_steps:
            raise NoStepError(untrained(self._losses.found(), self._static.number))

    # Steps

    def _make_step(self, below: Function) -> Function:
        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if self._is_inside or os.getpid() != self._pid or not paddle.in_dynamic_mode():
                return below(optimizer, *args, **kwargs)
            self._is_inside = True
            try:
                self._before_step(optimizer, args)
                return below(optimizer, *args, **kwargs)
            finally:
                self._is_inside = False

        return step

    def _before_step(self, optimizer: Any, args: tuple[Any, ...]) -> None:
        """Record what came before this step. Raises StopTrial if the trial was over before it."""
        if self._output.has_more():
            self._read_output()
        if not self._losses and args and isinstance(args[0], paddle.Tensor):
            self._losses.take(args[0])  # of `minimize`, without a `backward`
        self._passes.stepped()
        step = self._counter.advance(optimizer)
        self._waiting.append((step, self._losses.drain(), {}))
        is_over = step >= self._budget or self._run.stop_reason is not None
        if is_over or len(self._waiting) >= self._batch or monotonic_s() > self._settle_at_s:
            self._scalars.look()
            try:
                self._settle()
            except StopTrial:
                self._end()
                raise

    def _read_output(self, *, is_over: bool = False) -> None:
        for values in self._output.read(is_over=is_over):
            self._report(values)

    def _settle(self) -> None:
        """Record what waits. Raises StopTrial if the trial was over before the last of it."""
        waiting, self._waiting = self._waiting, []
        self._settle_at_s = monotonic_s() + BATCH_S
        for step, losses, values in waiting:
            self._run.log(step, **(read(losses) if losses else values))

    def _settle_quietly(self) -> None:
        with suppress(StopTrial):  # it is raised again at the next step
            self._settle()

    # Recording

    def _report(self, values: Mapping[str, float]) -> None:
        """Record metrics that the program reported, at the position that it has reached."""
        if values and os.getpid() == self._pid:
            for name in values:
                self._reported[name] = self._reported.get(name, 0) + 1
            self._waiting.append((self._counter.position, {}, values))

    def _program_logs(self, step: int | None, values: Mapping[str, float]) -> None:
        """Record what the program gives to `sweep.log`."""
        if os.getpid() != self._pid:
            return
        named = {normal_name(name): value for name, value in values.items()}
        if step is not None and not self._counter.position:
            self._own_steps = True
            for name in named:
                self._reported[name] = self._reported.get(name, 0) + 1
            self._waiting.append((step, {}, named))
            self._settle()
        else:
            self._report(named)

    def _end(self) -> None:
        """End the process if the program catches the exception that ends its trial again and again."""
        self._swallowed += 1
        if self._swallowed > SWALLOWED_MOST:
            print("sweep: the program caught the exception that ends its trial; its process is ended", flush=True)
            os._exit(0)

    # Limits

    def _make_to_static(self, below: Function) -> Function:
        def to_static(*args: Any, **kwargs: Any) -> Any:
            if kwargs.get("full_graph"):
                self._book.limit(
                    f"to_static(full_graph=True) at {self._book.sites.here() or 'a package'}: dropout and activation "
                    "are built into the graph at its first call, and layers inside it are not watched"
                )
            return below(*args, **kwargs)

        return to_static
