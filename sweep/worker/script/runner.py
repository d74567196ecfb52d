"""Runs a script as `python SCRIPT ARGS` would, inside this process."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType
from typing import cast

import paddle  # noqa: F401 - imported ahead: a warm parent shares it with every trial

from sweep.domain.knobs import STANDARD_KNOBS
from sweep.task import Run, TaskConfig
from sweep.worker.callsite import CallSites
from sweep.worker.code_guard import check_code
from sweep.worker.hooks import Hooks, Role
from sweep.worker.restart import note_restart
from sweep.worker.run import WorkerRun
from sweep.worker.script.ahead import import_ahead
from sweep.worker.script.devices import fall_back_on_cpu
from sweep.worker.script.observer import Observer
from sweep.worker.script.own_modules import yield_names
from sweep.worker.script.program import become_main, restore_environment, run_main
from sweep.worker.script.seeds import TrialSeeds, use_own_randomness
from sweep.worker.surgery import Surgery, install, install_ahead
from sweep.worker.surgery.book import Book

SWEEP = "sweep"
"""The value of `task.seeding` with which a program gets the trial's seeds."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script, compiled. `typed` is its path as the user named it, `path` is absolute."""

    typed: str
    path: Path
    code: CodeType

    @classmethod
    def read(cls, typed: str, digests: Mapping[str, str | None]) -> "Script":
        """Read and compile a script. Raises OSError, SyntaxError, EditedTaskError."""
        path = Path(typed).expanduser().absolute()
        check_code(path.parent, digests)
        return cls(typed, path, compile(path.read_bytes(), str(path), "exec", dont_inherit=True))

    def share(self) -> None:
        """Do once what all runs have in common: import installed packages, where that changes nothing for them, and
        find in all modules what is hooked."""
        import_ahead([self.path.read_bytes()], self.path.parent)
        install_ahead()

    def train(self, cfg: TaskConfig, run: Run) -> None:
        """Run the script to its end. Raises whatever it raises, SystemExit included."""
        run = cast("WorkerRun", run)  # it has more than a task may use; a check's run has all of it, too
        book = Book(CallSites(self.path.parent, *([] if run.view is None else [run.view.inside(self.path.parent)])))
        with Hooks(Role.CHANGES) as changes, Observer(run, book, cfg.metrics) as observer:
            note_restart(run)
            above = run.before_end
            last_words: list[Callable[[], object]] = [observer.record_inventory, partial(_record_view, run)]
            run.before_end = [*last_words, *above]
            fall_back_on_cpu(changes, run.note)
            if cfg.seeding == SWEEP:
                TrialSeeds(changes, book, run.stream)
            else:
                use_own_randomness()
            surgery = Surgery(hooks=changes, book=book, stream=run.stream, total_steps=run.target.budget_steps)
            install(surgery, {name: cfg[name] for name in STANDARD_KNOBS & set(cfg)})
            try:
                self._execute(cfg, run)
                observer.check_trained()
            except SystemExit as left:
                if not left.code:
                    observer.check_trained()
                raise
            finally:
                run.before_end = above
                for act in last_words:
                    act()

    def _execute(self, cfg: TaskConfig, run: WorkerRun) -> None:
        restore_environment()
        path, typed = self.path, self.typed
        if run.view is not None:
            run.view.begin()
            path = run.view.inside(path)
            if path != self.path and (Path(typed).is_absolute() or not Path(typed).exists()):
                typed = str(path)
        yield_names(sys.path[0])
        main = become_main(path, typed, cfg.args)
        run_main(self.code, main, is_over=lambda: run.stop_reason is not None)


def _record_view(run: WorkerRun) -> None:
    for note in [] if run.view is None else run.view.notes():
        run.note(note)
