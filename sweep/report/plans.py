"""A plan in a terminal: the cells of a design, the space of a search, or the stages of a study made of stages."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.text import Text

from sweep.domain.json_form import Json, from_json
from sweep.domain.plural import count_text
from sweep.report.phrases import DASH, cell_text, duration_text, number_text, seeds_text
from sweep.report.tables import new_table

WORTH_TELLING_S = 60
"""Fewest seconds of overhead that a plan names if the time of the training itself is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """A cell of a fixed design."""

    cell: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedInert:
    """A toggle that costs no trial, because it changes nothing."""

    toggle: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedPlan:
    """A plan of a fixed design, with its estimated cost.

    `reused` trials have been run already; `wall_s` is the estimated wall time, None if the task's speed is unknown;
    `overhead_s` is the time for starting and judging; `confirming` trials follow a learning-rate range test.
    """

    cells: tuple[PlannedCell, ...]
    trials: tuple[Json, ...]
    seeds: tuple[int, ...]
    duplicates: tuple[tuple[str, ...], ...] = ()
    inert: tuple[PlannedInert, ...] = ()
    reused: int = 0
    slots: int = 0
    wall_s: float | None = None
    overhead_s: float = 0.0
    confirming: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A cost in full runs of the base, and in steps."""

    bre: float
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedOfDriver:
    """What a driver that decides trial by trial expects of its study."""

    summary: str
    candidates: tuple[str, ...] = ()
    price: Mapping[str, Price] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptivePlan:
    """A plan of a driver that decides trial by trial: the space that it draws from."""

    expected: ExpectedOfDriver
    params: Mapping[str, str] = field(default_factory=dict, hash=False)
    axes: Mapping[str, Mapping[str, Json]] = field(default_factory=dict, hash=False)
    wall_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStage:
    """A stage with its largest cost; None for a driver that decides it. Without a command, the stage before decides."""

    stage: str
    trials: int | None
    steps: int | None
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StagesPlan:
    """A plan of stages, in order."""

    stages: tuple[PlannedStage, ...]


def render_plan(plan: Mapping[str, object]) -> RenderableType:
    """Return a plan (the contents of plan.json, with an estimate of its cost) for a terminal."""
    if "stages" in plan:
        return _render_stages(from_json(StagesPlan, plan))
    return (
        _render_fixed(from_json(FixedPlan, plan))
        if "cells" in plan
        else _render_adaptive(from_json(AdaptivePlan, plan))
    )


def _render_fixed(plan: FixedPlan) -> RenderableType:
    """Return the cells of a design, with duplicates, inert toggles and cost."""
    copies = {cell: group[0] for group in plan.duplicates for cell in group[1:]}
    table = new_table()
    table.add_column("cell", overflow="fold")
    table.add_column("overrides", overflow="fold")
    for cell in plan.cells:
        about = Text(shlex.join(cell.overrides) or DASH, style="dim")
        if cell.cell in copies:
            about.append(f"  same as {copies[cell.cell]}", style="yellow")
        table.add_row(Text(cell_text(cell.cell)), about)
    lines = [Text.assemble(("inert  ", "dim"), f"{item.toggle}: {item.reason}") for item in plan.inert]
    return Group(table, "", *lines, _plan_cost(plan))


def _render_stages(plan: StagesPlan) -> RenderableType:
    """Return the stages in order, with the largest cost of each: an earlier one may decide."""
    table = new_table()
    table.add_column("stage", no_wrap=True)
    table.add_column("trials", justify="right", no_wrap=True)
    table.add_column("steps", justify="right", no_wrap=True)
    table.add_column("alone", overflow="fold")
    for stage in plan.stages:
        about = stage.command or "what is undecided after the stage before"
        table.add_row(stage.stage, number_text(stage.trials), number_text(stage.steps), Text(about, style="dim"))
    known = [stage.trials for stage in plan.stages if stage.trials is not None]
    return Group(table, "", Text(f"at most {count_text(sum(known), 'trial')}", style="bold"))


def _render_adaptive(plan: AdaptivePlan) -> RenderableType:
    """Return the space of an adaptive driver, which decides trial by trial."""
    table = new_table()
    table.add_column("searched", overflow="fold")
    table.add_column("over", overflow="fold")
    for key, text in plan.params.items():
        table.add_row(Text(key), Text(text))
    for axis, levels in plan.axes.items():
        table.add_row(Text(axis), Text(", ".join(["base", *levels])))
    expected = plan.expected
    parts = [expected.summary]
    if plan.wall_s is not None:
        parts.append(f"at most about {duration_text(plan.wall_s)}")
    return Group(table, "", *_adaptive_lines(expected), Text(" · ".join(parts), style="bold"))


_PRICES = {
    "healthy": "if the base is healthy",
    "typical": "if one change repairs it",
    "none": "if nothing does",
    "cap": "at most",
}


def _adaptive_lines(expected: ExpectedOfDriver) -> list[RenderableType]:
    """Return what an adaptive driver may try, and its cost in full runs of the base; nothing for a search."""
    lines: list[RenderableType] = []
    if expected.candidates:
        cells = ", ".join(cell_text(cell) for cell in expected.candidates)
        lines += [Text.assemble(("candidates  ", "dim"), cells), ""]
    if expected.price:
        table = new_table()
        table.add_column("cost", no_wrap=True)
        table.add_column("base runs", justify="right", no_wrap=True)
        table.add_column("steps", justify="right", no_wrap=True)
        for name, price in expected.price.items():
            table.add_row(_PRICES[name], f"{price.bre:g}", number_text(price.steps))
        lines += [table, ""]
    return lines


def _plan_cost(plan: FixedPlan) -> Text:
    trials = len(plan.trials)
    parts = [
        f"{count_text(len(plan.cells), 'cell')} × {count_text(len(plan.seeds), 'seed')}"
        f" ({seeds_text(plan.seeds)}) = {count_text(trials, 'trial')}"
    ]
    if plan.reused:
        parts.append(f"{plan.reused:,} already run")
    if plan.slots:
        parts.append(count_text(plan.slots, "slot"))
    if plan.reused == trials:
        parts.append("nothing left to run")
    elif plan.wall_s is not None:
        parts.append(f"about {duration_text(plan.wall_s)}")
    elif plan.overhead_s >= WORTH_TELLING_S:
        parts.append(f"at least {duration_text(plan.overhead_s)} on top of the training itself")
    if plan.confirming:
        parts.append(f"then at most {count_text(plan.confirming, 'trial')} to confirm the suggestion")
    return Text(" · ".join(parts), style="bold")
