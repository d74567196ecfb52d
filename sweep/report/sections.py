"""The report's tables as rows ready to print: matrix of cells, symptoms, trials, panels of curves."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from markupsafe import Markup

from sweep.domain.axis import Cell
from sweep.domain.compared import SMOOTHED, compared_series
from sweep.domain.failure import shown_failure
from sweep.domain.metric import Series
from sweep.domain.metric_names import WATCH, is_loss, natural
from sweep.domain.symptoms import title_of
from sweep.domain.target import Target
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Symptom
from sweep.report.charts import Curve, panel, scale_of, share_bar
from sweep.report.commands import fixed_command
from sweep.report.data import ReportData
from sweep.report.documents import CellDocument, RankingDocument
from sweep.report.phrases import duration_text, number_text
from sweep.report.summary import cell_overrides, outcome_word
from sweep.report.thinning import finite_part, thin

MAX_CELLS = 240
"""Rows of the matrix and of the command list."""
MAX_PANEL_CELLS = 120
MAX_TRIALS = 600
MAX_TRIAL_COMMANDS = 200
MAX_SYMPTOMS = 150
MAX_NAMED_AXES = 7
"""Number of axes up to which the matrix names each level; above, it marks changes and names them once per cell."""
MAX_MARKED_AXES = 24
"""Number of axes that fit side by side; with more, the cells only name their changes."""
POINTS_IN_ALL = 200_000
"""Largest number of points on a page; a curve has 60 if that allows it, and at least 24."""
SHOWN_OF_MONITOR = ("watch/grad_norm", "watch/lr")
"""The series of the monitor that are drawn if there is room."""
MANY_SEEDS = 12
"""Above this many seeds a panel shows median and band."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capped(Generic[Row]):
    """The first rows of a table; `total` counts all its rows."""

    rows: Sequence[Row]
    total: int

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than shown."""
        return len(self.rows) < self.total


def outcomes_by_cell(data: ReportData) -> dict[str, list[Outcome]]:
    """Return the trials of each cell, by seed."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in data.outcomes:
        groups[outcome.cell.key].append(outcome)
    for outcomes in groups.values():
        outcomes.sort(key=lambda outcome: outcome.seed)
    return groups


def shown_cells(data: ReportData) -> dict[str, Cell]:
    """Return the cells of the ranking by key: the key is exact, the cell's text is for people."""
    return {cell.cell.key: cell.cell for cell in data.ranking.cells}


def cells_by_interest(document: RankingDocument) -> list[CellDocument]:
    """Return the cells of a study: base, single toggles by rank, the cells of repairs, then by share converged."""
    ranks = {toggle.toggle: toggle.rank for toggle in document.toggles}
    repairs = {frozenset(repair.toggles) for repair in document.repairs}

    def interest(cell: CellDocument) -> tuple[object, ...]:
        toggles = cell.toggles
        share = cell.converged / cell.trials if cell.trials else -1.0
        if cell.cell == "base":
            return (0,)
        if len(toggles) == 1 and toggles[0] in ranks:
            return (1, ranks[toggles[0]], natural(cell.cell))
        return (2 if frozenset(toggles) in repairs else 3, -share, len(toggles), natural(cell.cell))

    return sorted(document.cells, key=interest)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """A cell: its level on each axis, what it changes, how its trials ended, the command that runs it."""

    cell: str
    name: str
    levels: Sequence[str]
    toggles: Sequence[str]
    converged: int
    trials: int
    bar: Markup
    verdicts: Sequence[tuple[str, int]]
    steps: str
    command: str


def matrix_rows(data: ReportData, cells: Sequence[CellDocument]) -> Capped[MatrixRow]:
    """Return one row per cell: its level on every axis, how its trials ended, steps to target, the command."""
    rows = []
    shown = shown_cells(data)
    for cell in cells[:MAX_CELLS]:
        levels = dict(toggle.partition("=")[::2] for toggle in cell.toggles)
        rows.append(
            MatrixRow(
                cell=cell.cell,
                name=str(shown[cell.cell]),
                levels=[levels.get(axis.name, "") for axis in data.axes],
                toggles=shown[cell.cell].changes,
                converged=cell.converged,
                trials=cell.trials,
                bar=share_bar(list(cell.verdicts.items())),
                verdicts=list(cell.verdicts.items()),
                steps=number_text(cell.median_steps_to_target),
                command=fixed_command(data.study, cell.overrides),
            )
        )
    return Capped(rows=rows, total=len(cells))


@dataclass(frozen=True, slots=True, kw_only=True)
class SymptomRow:
    """A symptom of a cell: number of trials that show it, and where it was seen first."""

    cell: str
    rule: str
    title: str
    metric: str
    trials: int
    step: int
    value: str
    threshold: str
    message: str


def symptom_rows(data: ReportData) -> Capped[SymptomRow]:
    """Return the symptoms, one row per cell, rule and kind of metric, with the number of trials that show it."""
    groups: dict[tuple[Cell, str, str], list[tuple[Outcome, Symptom]]] = defaultdict(list)
    for outcome in data.outcomes:
        for symptom in outcome.symptoms:
            groups[outcome.cell, symptom.rule, symptom.subject].append((outcome, symptom))
    rows = []
    for (cell, rule, _), seen in groups.items():
        first = min((symptom for _, symptom in seen), key=lambda symptom: symptom.step)
        rows.append(
            SymptomRow(
                cell=str(cell),
                rule=rule,
                title=title_of(rule, first.metric),
                metric=first.metric,
                trials=len({outcome.number for outcome, _ in seen}),
                step=first.step,
                value=number_text(first.value),
                threshold=number_text(first.threshold),
                message=first.message,
            )
        )
    rows.sort(key=lambda row: (row.cell != "base", -row.trials, natural(row.cell), row.rule))
    return Capped(rows=rows[:MAX_SYMPTOMS], total=len(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """One trial: what it ran, how it ended, its figures, its folder and the command that repeats it."""

    number: int
    cell: str
    seed: int
    state: str
    word: str
    reason: str
    headline: str
    tau: str
    steps: str
    best: str
    final: str
    wall: str
    dir: str
    command: str


def trial_rows(data: ReportData) -> Capped[TrialRow]:
    """Return one row per trial, by number, with exact figures; with commands if the table stays small."""
    with_commands = len(data.outcomes) <= MAX_TRIAL_COMMANDS
    rows = []
    for outcome in sorted(data.outcomes, key=lambda outcome: outcome.number)[:MAX_TRIALS]:
        overrides = cell_overrides(outcome.cell, data) if with_commands else ()
        rows.append(
            TrialRow(
                number=outcome.number,
                cell=str(outcome.cell),
                seed=outcome.seed,
                state=str(outcome.state).replace("_", " ") + (" (reused)" if outcome.reused else ""),
                word="" if outcome.is_open else outcome_word(outcome),
                reason=outcome.reason,
                headline=headline(outcome.reason),
                tau=number_text(outcome.tau),
                steps=number_text(outcome.steps),
                best=number_text(outcome.best),
                final=number_text(outcome.final),
                wall=duration_text(outcome.wall_s),
                dir=data.dir_of(outcome),
                command=fixed_command(data.study, overrides, seeds=[outcome.seed]) if with_commands else "",
            )
        )
    return Capped(rows=rows, total=len(data.outcomes))


def headline(reason: str) -> str:
    """Return a reason in one line of at most 200 characters; of a traceback, the line that names the error."""
    lines = [line.strip() for line in reason.splitlines() if line.strip()]
    line = lines[-1] if len(lines) > 1 else "".join(lines)
    return line if len(line) <= 200 else f"{line[:199]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panels:
    """The curves of one cell, an SVG for each metric."""

    name: str
    converged: int
    trials: int
    svgs: Sequence[Markup]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """The panels: one entry per cell, with an SVG per metric of `metrics`."""

    metrics: Sequence[str]
    cells: Sequence[Panels]
    total: int
    left_out: Sequence[str]
    log_metrics: Sequence[str]
    is_many: bool
    points: int


def charts_of(data: ReportData, cells: Sequence[CellDocument]) -> Charts:
    """Return the curves of every cell, base first, on scales shared by all cells, thinned to the page's budget."""
    groups, shown = outcomes_by_cell(data), shown_cells(data)
    drawn = [cell for cell in cells if cell.cell in groups][:MAX_PANEL_CELLS]
    is_many = max((len(groups[cell.cell]) for cell in drawn), default=0) > MANY_SEEDS
    trials = sum(len(groups[cell.cell]) for cell in drawn)
    logged = {
        o.number: with_compared(data.target, data.curves.get(o.number, {})) for cell in drawn for o in groups[cell.cell]
    }
    metrics, left_out = choose_metrics(data, logged.values(), 3 if len(drawn) <= 40 else 2)
    points = 60 if is_many else int(np.clip(POINTS_IN_ALL // max(1, trials * len(metrics)), 24, 60))
    curves = {
        metric: {
            cell.cell: [
                curve_of(o, logged[o.number][metric], points) for o in groups[cell.cell] if metric in logged[o.number]
            ]
            for cell in drawn
        }
        for metric in metrics
    }
    scales = {
        metric: scale_of(metric, [c for found in by_cell.values() for c in found], _threshold(data, metric))
        for metric, by_cell in curves.items()
    }
    last_step = max([data.target.budget_steps, *(o.steps for o in data.outcomes)], default=1)
    panels = [
        Panels(
            name=str(shown[cell.cell]),
            converged=cell.converged,
            trials=cell.trials,
            svgs=[
                panel(curves[m][cell.cell], scales[m], last_step, threshold=_threshold(data, m), is_many=is_many)
                for m in metrics
            ],
        )
        for cell in drawn
    ]
    return Charts(
        metrics=metrics,
        cells=panels if metrics else [],
        total=len(cells),
        left_out=left_out,
        log_metrics=[metric for metric in metrics if scales[metric].is_log],
        is_many=is_many,
        points=points,
    )


def _threshold(data: ReportData, metric: str) -> float | None:
    return data.target.threshold if metric.removeprefix(SMOOTHED) == data.target.metric else None


def with_compared(target: Target, curves: Mapping[str, Series]) -> Mapping[str, Series]:
    """Return a trial's curves, and the smoothed curve of a metric that is compared smoothed."""
    compared = compared_series(target, curves)
    return curves if compared is None else {**curves, SMOOTHED + compared[0]: compared[1]}


def choose_metrics(data: ReportData, logged: Iterable[Mapping[str, Series]], most: int) -> tuple[list[str], list[str]]:
    """Return the first `most` metrics, and the others.

    In this order: the target's metric, its smoothed curve, losses (training before validation), the rest.
    """
    names = {name for series in logged for name in series if not name.startswith(WATCH) or name in SHOWN_OF_MONITOR}
    order = sorted(
        names,
        key=lambda n: (
            n != data.target.metric,
            not n.startswith(SMOOTHED),
            n.startswith(WATCH),
            not is_loss(n),
            not n.startswith("train"),
            natural(n),
        ),
    )
    return order[:most], order[most:]


def curve_of(outcome: Outcome, series: Series, points: int) -> Curve:
    """Return one trial's metric, thinned to `points`, with how the trial ended."""
    steps, values, bad_step = finite_part(series)
    steps, values = thin(steps, values, points)
    word = outcome_word(outcome)
    at = f" at step {outcome.tau:,}" if outcome.tau is not None else ""
    return Curve(
        steps=steps,
        values=values,
        bad_step=bad_step,
        word=word,
        label=f"seed {outcome.seed}: {word.replace('_', ' ')}{at}",
        tau=outcome.tau,
    )


def chip(word: str) -> Markup:
    """Return a verdict, or a failure class, as a coloured word with its mark."""
    return Markup('<span class="chip v-{0}"><svg viewBox="-9 -9 18 18"><use href="#m-{0}"/></svg>{1}</span>').format(
        word if word in ("converged", "diverged", "stalled", "not_converged", "undecided") else "failed",
        shown_failure(word),
    )
