"""From a study on a script to one that can be planned: budget, metric and inert toggles, by the script's inventory."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sweep.config import LoadedConfig, StudyConfig
from sweep.config.knobs import TaskBase
from sweep.config.schema import Adopted
from sweep.config.study import check_hold
from sweep.domain.axis import Axis, Cell, Level, Toggle
from sweep.domain.budget import Announced, Budget, budget_steps
from sweep.domain.inert import InertToggle
from sweep.domain.inventory import Inventory, InventoryReport, ProgramEnd
from sweep.domain.lr_range import FEWEST_STEPS
from sweep.domain.metric_match import NoMatch, match_metric
from sweep.domain.metric_names import WATCH
from sweep.domain.reach import why_inert
from sweep.domain.target import Target
from sweep.errors import ConfigError
from sweep.plan.compose import TrialComposer


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProgram:
    """What a finished inventory showed of a script.

    `trial_id` is its trial, which ran with this `seed`; `is_completed`: it did not fail. `announced` is what the script
    prints about its length, None if nothing.
    """

    trial_id: int
    seed: int
    is_completed: bool
    report: InventoryReport
    announced: Announced | None = None


def settle(loaded: LoadedConfig, known: KnownProgram) -> LoadedConfig:
    """Return a study on a script with its budget in steps, the full name of its metric, and the toggles that would
    change nothing left out; the inventory's run stands for a trial of the base where it covers the budget.

    Raises ConfigError: see `budget_steps`, and for a metric that the script does not report.
    """
    study, inventory = loaded.study, known.report.inventory
    if study.check is not None:
        return replace(loaded, study=_shortened(study, inventory))
    metric = _metric(study.target, known.report)
    steps = budget_steps(study.budget, known.report, metric=metric, announced=known.announced)
    check_hold(study.target.hold, steps)
    axes, inert = reachable(study.axes, loaded.base, inventory)
    settled = replace(
        study,
        target=replace(study.target, metric=metric, budget_steps=steps),
        budget=Budget(steps=steps),
        axes=axes,
        inert=(*study.inert, *inert),
        is_settled=True,
        parts=inventory.parts,
    )
    return replace(loaded, study=replace(settled, adopted=_adopted(replace(loaded, study=settled), known)))


def _shortened(study: StudyConfig, inventory: Inventory) -> StudyConfig:
    """Return a range test with no more steps than the program makes: it trains once, from its start."""
    assert study.check is not None
    steps = min(study.check.whole("steps"), max(inventory.steps, FEWEST_STEPS))
    if inventory.ended is not ProgramEnd.OWN or steps == study.check.whole("steps"):
        return replace(study, is_settled=True)
    settings = {**study.check.settings, "steps": steps}
    return replace(
        study,
        check=replace(study.check, settings=settings),
        target=replace(study.target, budget_steps=steps),
        budget=Budget(steps=steps),
        raw={**study.raw, "probe": {**study.raw["probe"], "steps": steps}},
        is_settled=True,
    )


def reachable(
    axes: Iterable[Axis], base: TaskBase, inventory: Inventory
) -> tuple[tuple[Axis, ...], tuple[InertToggle, ...]]:
    """Return the axes without the levels that would change nothing in a program, and these as inert toggles."""
    kept: list[Axis] = []
    inert: list[InertToggle] = []
    for axis in axes:
        levels: list[Level] = []
        for level in axis.levels:
            why = _nothing(axis, level, base, inventory)
            if why is None:
                levels.append(level)
            else:
                inert.append(InertToggle.nothing_there(Toggle(axis.name, level.name), why))
        if levels:
            kept.append(replace(axis, levels=tuple(levels)))
    return tuple(kept), tuple(inert)


def _nothing(axis: Axis, level: Level, base: TaskBase, inventory: Inventory) -> str | None:
    """Return why a level would change nothing, None if any of the knobs that it sets may change something."""
    owner = f"axes.{axis.name}.levels.{level.name}"
    reasons = [why_inert(*base.check(text, owner=owner), inventory) for text in level.overrides]
    return "; ".join(dict.fromkeys(filter(None, reasons))) if all(reasons) else None


def _metric(target: Target, report: InventoryReport) -> str | None:
    """Return the full name of the target's metric. Raises ConfigError if the program does not report it."""
    if target.metric is None:
        return None
    names = [metric.name for metric in report.metrics]
    found = match_metric(target.metric, names)
    if not isinstance(found, NoMatch):
        return found
    if not found.is_ambiguous and report.inventory.ended is not ProgramEnd.OWN:
        return target.metric  # the program did not come to its end, where it may report it
    problem = "is the end of several names: give more of it" if found.is_ambiguous else "is not reported by the program"
    reported = found.candidates if found.is_ambiguous else [name for name in names if not name.startswith(WATCH)]
    hint = "it reported no metric; task.metrics={NAME: REGEX} reads one from its lines" if not reported else None
    raise ConfigError("converge.metric", problem, value=target.metric, allowed=reported, hint=hint)


def _adopted(settled: LoadedConfig, known: KnownProgram) -> Adopted | None:
    """Return the inventory's run as a trial of the base, None if it is none of the study's or shorter than needed."""
    study, inventory = settled.study, known.report.inventory
    covers = inventory.ended is ProgramEnd.OWN or inventory.steps >= study.target.budget_steps
    if not (study.kind.has_verdicts and study.reuse and covers and known.is_completed):
        return None
    if known.seed not in study.seeds or study.params:
        return None
    spec = TrialComposer(settled).compose(Cell(), (known.seed,))[0]
    return Adopted(trial_id=known.trial_id, fingerprint=spec.fingerprint)
