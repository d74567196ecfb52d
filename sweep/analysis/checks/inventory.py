"""The inventory of a script, in words: what the knobs could change, and what the program reported."""

import math
from collections.abc import Sequence

from sweep.analysis.reported import reported_metrics
from sweep.domain.checked import CheckContext, CheckResult, CheckTrial
from sweep.domain.inventory import Inventory, InventoryReport, ProgramEnd
from sweep.domain.plural import count_text

_ENDS = {
    ProgramEnd.OWN: "",
    ProgramEnd.CUT: " It was ended after the time that an inventory may take, so its length is not known.",
    ProgramEnd.CRASHED: " It failed, so there may be more than was seen.",
    ProgramEnd.UNKNOWN: " It did not come to its own end, so there may be more than was seen.",
}


def read_check(trials: Sequence[CheckTrial], context: CheckContext) -> CheckResult:  # noqa: ARG001 - as every check's
    """Return the inventory of the last trial that has one. It is ok if the program made a step and did not fail."""
    found = [(trial, inventory) for trial in trials if (inventory := trial.found(Inventory)) is not None]
    if not found:
        why = f": {trials[-1].message}" if trials and trials[-1].message else ""
        return CheckResult(
            is_ok=not trials, answer=f"Nothing is known of the program yet{why}.", section=InventoryReport()
        )
    trial, inventory = found[-1]
    report = InventoryReport(inventory=inventory, metrics=reported_metrics(trial.series), message=trial.message)
    is_ok = inventory.steps > 0 and inventory.ended in (ProgramEnd.OWN, ProgramEnd.CUT)
    return CheckResult(is_ok=is_ok, answer=_answer(report), section=report)


def _answer(report: InventoryReport) -> str:
    inventory = report.inventory
    if not inventory.steps:
        why = f": {report.message}" if report.message else f"; {_seen(report)}"
        return f"The program made no optimizer step in {inventory.wall_s:.3g} s{why}."
    took = f"{count_text(inventory.steps, 'optimizer step')} in {inventory.wall_s:.3g} s"
    epochs = f", {count_text(inventory.epochs, 'pass', 'passes')} over its loader" if inventory.epochs else ""
    why = f" ({report.message})" if report.message else ""
    return f"The program made {took}{epochs}.{_ENDS[inventory.ended]}{why}{_not_finite(report)}"


def _seen(report: InventoryReport) -> str:
    losses = report.inventory.losses
    if losses:
        return f"backward() was called at {', '.join(site.where or 'a line of a package' for site in losses)}"
    return "no call of backward(), and no optimizer of Paddle, was seen"


def _not_finite(report: InventoryReport) -> str:
    bad = [metric.name for metric in report.metrics if metric.last is not None and not math.isfinite(metric.last)]
    return f" At its end {', '.join(bad)} {'was' if len(bad) == 1 else 'were'} not finite." if bad else ""
