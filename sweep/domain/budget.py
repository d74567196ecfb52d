"""The budget of a study as it was given, and how many optimizer steps of a program that is."""

import math
from dataclasses import dataclass

from sweep.domain.inventory import Inventory, InventoryReport, ProgramEnd
from sweep.domain.plural import count_text
from sweep.errors import ConfigError


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
    """What a program prints about its length: the last `epoch x/y`. `stride` is the increase of x from line to line."""

    epoch: int
    epochs: int
    stride: int = 1

    @property
    def is_last(self) -> bool:
        """Whether this was the last epoch that the program would have printed; it may count from 0."""
        return self.epoch + max(self.stride, 1) >= self.epochs


NO_STEP = "NoStepError"
"""The type of the failure of a program that came to its end without a step; its text says all."""

NAN_SHARE = 0.1
"""A program whose loss is not finite for a smaller part of its steps probably stopped because of that."""


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


def why_no_length(report: InventoryReport, announced: Announced | None) -> str | None:
    """Return why the run of a program does not show how long the program is, None if it does."""
    inventory = report.inventory
    if inventory.ended is ProgramEnd.CUT:
        return "it did not end within converge.inventory_s"
    if inventory.ended is ProgramEnd.CRASHED:
        return f"it failed{f' ({report.message})' if report.message else ''}"
    if inventory.ended is not ProgramEnd.OWN:
        return "it did not come to its own end"
    main = next((report.named(site.series) for site in inventory.losses), None)
    if announced is not None:
        return None if announced.is_last else f"it ended by itself in epoch {announced.epoch} of {announced.epochs}"
    if main is None or main.bad_from is None or inventory.steps - main.bad_from >= NAN_SHARE * inventory.steps:
        return None
    return f"it ended soon after its loss was no longer finite, at step {main.bad_from}"


def estimate_text(inventory: Inventory, announced: Announced | None) -> str:
    """Return how far the program got in its inventory, and what is known of its whole length."""
    done = f"it made {count_text(inventory.steps, 'step')} in {inventory.wall_s:.3g} s"
    parts = _parts(announced)
    if announced is None or parts is None or not inventory.steps:
        return done
    whole = f"about {_rounded(inventory.steps * parts):,} steps, {_duration(inventory.wall_s * parts)}"
    return f"{done}, in epoch {announced.epoch} of {announced.epochs}: the whole program would take {whole} a trial"


def _parts(announced: Announced | None) -> float | None:
    """Return how many times as long as its run the whole program is, None if that is not known."""
    if announced is None or not 0 <= announced.epoch <= announced.epochs or not announced.epochs:
        return None
    # An epoch that has begun may have just begun, or be nearly over.
    return 1.0 if announced.is_last else announced.epochs / max(announced.epoch - 0.5, 0.5)


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
    why = why_no_length(report, announced)
    if why is not None:
        raise _no_length(inventory, announced, why)
    return inventory.steps


def _no_step(report: InventoryReport) -> ConfigError:
    inventory = report.inventory
    seen = [site.where or "a package" for site in inventory.losses]
    what = f"backward() was called at {', '.join(seen)}, but no optimizer of Paddle took a step" if seen else (
        "neither a call of backward() nor a step of an optimizer of Paddle was seen"
    )  # fmt: skip
    kind, _, told = report.message.partition(": ")
    if kind == NO_STEP:
        return ConfigError("task.path", told)
    if report.message:
        return ConfigError("task.path", f"the program failed before its first optimizer step: {report.message}")
    return ConfigError("task.path", f"the program made no optimizer step in its first run: {what}")


def _no_length(inventory: Inventory, announced: Announced | None, why: str) -> ConfigError:
    parts = 1.0 if inventory.ended is ProgramEnd.CUT else _parts(announced) or 1.0
    steps = max(_rounded(inventory.steps * parts) if parts > 1 else inventory.steps, 1)
    return ConfigError(
        "converge.budget_steps",
        f"is needed: the first run does not show how long the program is, because {why}",
        value="null",
        hint=f"{estimate_text(inventory, announced)}; give a budget in steps, converge.budget_steps={steps}, or in "
        "seconds a trial, converge.budget_s=60",
    )


def _given(budget: Budget) -> tuple[str, object]:
    """Return key and value of the budget that was given."""
    for key, value in (("budget_steps", budget.steps), ("budget_epochs", budget.epochs), ("budget_s", budget.seconds)):
        if value is not None:
            return f"converge.{key}", value
    return "converge.budget_steps", None


def _rounded(value: float) -> int:
    """Return a value with two significant digits."""
    return int(float(f"{value:.2g}"))


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
