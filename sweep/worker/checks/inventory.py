"""The inventory of a script: the base's own training, to the program's end, with everything that the knobs could change
recorded."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from sweep.clock import monotonic_s
from sweep.domain.check import FINDINGS, Check
from sweep.domain.facts import INVENTORY
from sweep.domain.inventory import Inventory, ProgramEnd
from sweep.domain.json_form import from_json, to_object
from sweep.domain.states import StopReason
from sweep.rundir import write_json_atomic
from sweep.task import StopTrial, TaskConfig

if TYPE_CHECKING:
    from sweep.worker.loading import Task
    from sweep.worker.run import WorkerRun


def run_check(task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> None:
    """Run a script as in a trial, but without a rule that ends it, and write its Inventory.

    After `limit_s` seconds it is ended at its next step. Raises whatever the script raises, after writing.
    """
    begun_s = monotonic_s()
    run.end_after(check.number("limit_s"))

    def write(ended: ProgramEnd) -> None:
        found = replace(_recorded(run), ended=ended, wall_s=round(monotonic_s() - begun_s, 3))
        write_json_atomic(run.artifact(FINDINGS), to_object(found))

    run.before_end.append(lambda: write(_end(run, run.exit_code)))
    ended = ProgramEnd.CRASHED
    try:
        task.train(cfg, run)
        ended = ProgramEnd.OWN
    except StopTrial:
        ended = _end(run, None)
        raise
    except SystemExit as left:
        ended = _end(run, left.code)
        raise
    finally:
        write(ended)


def _end(run: "WorkerRun", code: object) -> ProgramEnd:
    """Return how a program ended that has left with this exit code, or that the run has stopped."""
    if run.stop_reason is not None:
        return ProgramEnd.CUT if run.stop_reason is StopReason.BUDGET else ProgramEnd.UNKNOWN
    return ProgramEnd.OWN if code in (None, 0) else ProgramEnd.CRASHED


def _recorded(run: "WorkerRun") -> Inventory:
    """Return the inventory that the script's observer has recorded; an empty one if it did not get that far."""
    text = run.facts.get(INVENTORY)
    return from_json(Inventory, json.loads(text)) if isinstance(text, str) else Inventory()
