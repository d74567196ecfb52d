"""All details of one trial: what `show` prints."""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sweep.domain.compared import SMOOTHED, Points, compared_points
from sweep.domain.metric_names import natural
from sweep.domain.printable import printable, short_name
from sweep.domain.roles import loss_note, shown_metric
from sweep.domain.rules import RULES_VERSION
from sweep.domain.symptoms import layer_of, urgency
from sweep.domain.target import Target
from sweep.domain.trial import RunRecord, StudyRecord, TrialRecord
from sweep.domain.verdict import Judgement, Verdict
from sweep.domain.views import ViewKind
from sweep.report.phrases import DASH, duration_text, failure_text, number_text
from sweep.report.sparkline import sparkline
from sweep.report.symptom_text import described, full_lines
from sweep.report.tables import new_table, styled_state, styled_verdict

VIEWS = {
    ViewKind.OVERLAY: "left as it was, by an overlay; what the program wrote is in the run's folder, in written",
    ViewKind.COPY: "left as it was, by a copy; what the program wrote is in the run's folder, in written",
    ViewKind.NONE: "the program wrote into it",
}


def render_trial(
    study: StudyRecord,
    trial: TrialRecord,
    runs: Sequence[RunRecord],
    curves: Mapping[str, Points],
    target: Target,
    program: Mapping[str, Any] | None = None,
) -> RenderableType:
    """Return the details of one trial: state, verdict, symptoms, overrides, runs, and metrics with a sparkline.

    `program` is what result.json says of a run of a script: how its folder was kept as it is, and notes.
    """
    facts = new_table()
    facts.box, facts.show_header = None, False
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("study", Text(study.name))
    facts.add_row("trial", f"{trial.number}")
    facts.add_row("cell", Text(str(trial.cell)))
    facts.add_row("seed", f"{trial.seed}")
    facts.add_row("overrides", Text(shlex.join(trial.overrides) or "none"))
    facts.add_row("state", styled_state(trial.state))
    if trial.source_trial_id is not None:
        facts.add_row("reused", f"the run of trial id {trial.source_trial_id}")
    for name, value in _program_rows(program or {}):
        facts.add_row(name, Text(printable(value)))
    parts: list[RenderableType] = [facts]
    if trial.judgement is not None:
        _add_judgement(facts, trial.judgement, is_check=study.kind.is_check)
        note = loss_note(target, curves) if study.kind.has_verdicts else ""
        if note:
            facts.add_row("note", Text(note))
    if trial.judgement is not None and trial.judgement.symptoms:
        axes, knobs = [toggle.axis for toggle in trial.cell.toggles], study.config.task or None
        found = sorted(trial.judgement.symptoms, key=lambda s: urgency(s.rule, s.metric))
        seen = [described(symptom, axes, knobs) for symptom in found]
        parts += [
            "",
            *full_lines(seen, converges=trial.judgement.verdict is Verdict.CONVERGED),
            "",
            _symptom_table(trial.judgement),
        ]
    if runs:
        parts += ["", _run_table(runs)]
    if curves:
        parts += ["", metric_table(curves, target)]
    return Group(*parts)


def _program_rows(program: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if program.get("view") in VIEWS:
        yield "program's folder", VIEWS[program["view"]]
    for note in program.get("notes", ()):
        yield "note", str(note)


def _add_judgement(facts: Table, judgement: Judgement, *, is_check: bool) -> None:
    if is_check:
        facts.add_row("verdict", "none: a check is not judged")
        facts.add_row("steps", f"{judgement.last_step:,} run")
        return
    facts.add_row("verdict", styled_verdict(judgement.verdict))
    if not judgement.is_current:
        facts.add_row("rules", f"version {judgement.rules_version} (the current rules have version {RULES_VERSION})")
    facts.add_row("because", Text(printable(judgement.reason)))
    facts.add_row("steps", f"{judgement.last_step:,} run, target reached at {number_text(judgement.tau)}")
    facts.add_row("target metric", f"best {number_text(judgement.best)}, last {number_text(judgement.final)}")


def _symptom_table(judgement: Judgement) -> RenderableType:
    table = new_table()
    for name in ("rule", "metric"):
        table.add_column(name, overflow="fold")
    for name in ("step", "value", "threshold"):
        table.add_column(name, justify="right", no_wrap=True)
    for symptom in judgement.symptoms:
        table.add_row(
            Text(symptom.rule),
            Text(short_name(symptom.metric)),
            f"{symptom.step:,}",
            number_text(symptom.value),
            number_text(symptom.threshold),
        )
    return table


def _run_table(runs: Sequence[RunRecord]) -> RenderableType:
    table = new_table()
    for name in ("run", "state", "took", "device", "how it ended"):
        table.add_column(name, overflow="fold", justify="right" if name in ("run", "took") else "left")
    for run in runs:
        table.add_row(
            f"{run.attempt}",
            styled_state(run.state),
            duration_text(run.wall_s) if run.wall_s is not None else DASH,
            Text(run.device or DASH),
            Text(failure_text(run) or DASH),
        )
    return Group(table, Text(f"files: {runs[-1].dir}", style="dim", overflow="fold"))


def metric_table(curves: Mapping[str, Points], target: Target) -> RenderableType:
    """Return the metrics of one trial; first the one that decides, then its smoothed curve if that is compared."""
    table = new_table()
    table.add_column("metric", overflow="fold")
    for name in ("points", "first", "last", "best"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    decider = shown_metric(target, curves)
    rows = sorted(curves.items(), key=lambda item: (item[0] != decider, natural(item[0])))
    compared = compared_points(target, curves)
    if compared is not None:
        rows.insert(1, (SMOOTHED + compared[0], compared[1]))
    for metric, points in rows:
        if not points or layer_of(metric):
            continue
        values = [value for _, value in points]
        finite = [value for value in values if math.isfinite(value)]
        is_max = metric.removeprefix(SMOOTHED) == target.metric and target.mode == "max"
        best = (max(finite) if is_max else min(finite)) if finite else None
        table.add_row(
            Text(short_name(metric)),
            f"{len(values):,}",
            number_text(values[0]),
            number_text(values[-1]),
            number_text(best) if metric == target.metric or "loss" in metric else DASH,
            sparkline(values),
        )
    hidden = sum(1 for metric in curves if layer_of(metric))
    more = f"and {hidden} series of single layers; `export` writes them all"
    return Group(table, Text(more, style="dim")) if hidden else table
