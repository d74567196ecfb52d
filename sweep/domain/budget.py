"""The budget of a study as it was given, and how many optimizer steps of a program that is."""

import math
from dataclasses import dataclass

from sweep.domain.inventory import Inventory, InventoryReport, ProgramEnd
from sweep.domain.plural import count_text
from sweep.errors import ConfigError

OPEN_STEPS = 10**9
"""The budget, in steps, of a study whose program's length is not known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A budget in optimizer steps, in epochs (passes over the training loader), or in seconds; at most one is given.

    Without one, it is the program's own length.
    """

    steps: int | None = None
    epochs: float | None = None
    seconds: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether a program's inventory is needed to tell its number of steps."""
        return self.steps is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What a program prints of its own length: the epoch that it was in when it ended, of so many."""

    epoch: int
    epochs: int


def budget_steps(
    budget: Budget, report: InventoryReport, *, metric: str | None, announced: Announced | None = None
) -> int:
    """Return the budget in optimizer steps, by the program's inventory.

    Raises ConfigError if the program made no step, if its length is needed and not known, or if it is shorter than the
    program while the deciding `metric` comes only at the program's end.
    """
    inventory = report.inventory
    if not inventory.steps and (inventory.ended is ProgramEnd.OWN or budget.is_open):
        raise _no_step(report)
    steps = _steps(budget, report, announced)
    reported = report.named(metric) if metric is not None else None
    if inventory.ended is ProgramEnd.OWN and steps < inventory.steps and reported is not None and reported.values == 1:
        key, value = _given(budget)
        raise ConfigError(
            key,
            f"the program reports {metric} once, at its end, after {count_text(inventory.steps, 'step')}: "
            "a shorter budget would never see it",
            value=value,
            hint=f"leave {key} out, or converge.budget_steps={inventory.steps}",
        )
    return steps


def is_whole(report: InventoryReport) -> bool:
    """Return whether the program's own length is known: it came to its own end, with a finite loss."""
    return report.inventory.ended is ProgramEnd.OWN and not _ended_on_nan(report)


def estimate_text(inventory: Inventory, announced: Announced | None) -> str:
    """Return how far the program got in its inventory, and what is known of its whole length."""
    done = f"it made {count_text(inventory.steps, 'step')} in {inventory.wall_s:.3g} s"
    if announced is None or not 0 < announced.epoch <= announced.epochs or not inventory.steps:
        return done
    # An epoch that has begun may have just begun, or be nearly over.
    passed = max(announced.epoch - 0.5, 0.5)
    steps = inventory.steps / passed * announced.epochs
    seconds = inventory.wall_s / passed * announced.epochs
    whole = f"about {_rounded(steps):,} steps, {_duration(seconds)}"
    return f"{done}, in epoch {announced.epoch} of {announced.epochs}: the whole program would take {whole} a trial"


def _steps(budget: Budget, report: InventoryReport, announced: Announced | None) -> int:
    inventory = report.inventory
    if budget.steps is not None:
        return budget.steps
    if budget.epochs is not None:
        if not inventory.epochs:
            raise ConfigError(
                "converge.budget_epochs",
                "the length of an epoch is not known: the program trains without a DataLoader",
                value=budget.epochs,
                hint=f"{estimate_text(inventory, announced)}; give the budget in steps: converge.budget_steps="
                f"{inventory.steps}",
            )
        return max(1, math.ceil(inventory.steps / inventory.epochs * budget.epochs))
    if budget.seconds is not None:
        return max(1, round(inventory.steps / max(inventory.wall_s, 1e-3) * budget.seconds))
    if not is_whole(report):
        raise _no_length(report, announced)
    return inventory.steps


def _no_step(report: InventoryReport) -> ConfigError:
    inventory = report.inventory
    seen = [site.where or "a package" for site in inventory.losses]
    what = f"backward() was called at {', '.join(seen)}, but no optimizer of Paddle took a step" if seen else (
        "neither a call of backward() nor a step of an optimizer of Paddle was seen"
    )  # fmt: skip
    why = report.message or what
    return ConfigError("task.path", f"the program made no optimizer step in its first run: {why}")


def _no_length(report: InventoryReport, announced: Announced | None) -> ConfigError:
    inventory = report.inventory
    why = {
        ProgramEnd.OWN: "it ended on a loss that is not finite",
        ProgramEnd.CUT: "it did not end within converge.inventory_s",
        ProgramEnd.CRASHED: f"it failed{f' ({report.message})' if report.message else ''}",
    }.get(inventory.ended, "it did not come to its own end")
    return ConfigError(
        "converge.budget_steps",
        f"is needed: the first run does not show how long the program is, because {why}",
        value="null",
        hint=f"{estimate_text(inventory, announced)}; give a budget in steps, converge.budget_steps="
        f"{max(inventory.steps, 1)}, or in seconds a trial, converge.budget_s=60",
    )


def _given(budget: Budget) -> tuple[str, object]:
    """Return key and value of the budget that was given."""
    for key, value in (("budget_steps", budget.steps), ("budget_epochs", budget.epochs), ("budget_s", budget.seconds)):
        if value is not None:
            return f"converge.{key}", value
    return "converge.budget_steps", None


def _ended_on_nan(report: InventoryReport) -> bool:
    main = next((report.named(site.series) for site in report.inventory.losses), None)
    return main is not None and main.last is not None and not math.isfinite(main.last)


def _rounded(value: float) -> int:
    """Return a value with two significant digits."""
    return int(float(f"{value:.2g}"))


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
