"""Terminal tables of what is stored: studies, one study's status, one trial."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sweep.domain.compared import SMOOTHED, compared_series
from sweep.domain.counts import count_text, share_text
from sweep.domain.failure import shown_failure
from sweep.domain.metric import Series
from sweep.domain.names import natural
from sweep.domain.printable import printable, short_name
from sweep.domain.probe import PROBE_REASON
from sweep.domain.roles import loss_note, shown_metric
from sweep.domain.rules import RULES_VERSION
from sweep.domain.states import LIVE_STATES, OPEN_STATES, TrialState
from sweep.domain.symptoms import layer_of, urgency
from sweep.domain.target import Target
from sweep.domain.trial import RunRecord, StudyRecord, TrialRecord
from sweep.domain.verdict import Judgement
from sweep.report.phrases import DASH, duration_text, number_text, verdicts_text
from sweep.report.seen import brief_lines, full_lines, told
from sweep.report.sparkline import sparkline
from sweep.report.tables import new_table, styled_state, styled_verdict

ANSWER_CHARS = 110
"""So much of an answer is listed; `rank` has all of it."""

LEAST_ANSWER = 24
"""Columns that an answer needs beside a name; where there are fewer, it stands below."""

HEADS = ("study", "status", "trials", "started (UTC)", "answer")


Listed = tuple[StudyRecord, Mapping[str, int], str]
"""A study, its trials per state, and its answer so far (may be empty)."""


def render_studies(rows: Sequence[Listed]) -> RenderableType:
    """Return what `ls` shows: each study in a row, or in rows of its own where names leave the answers no room."""
    return _Studies(tuple(rows)) if rows else Text("no studies yet")


@dataclass(frozen=True, slots=True)
class _Studies:
    """Studies with their names whole, however narrow the terminal: people copy them. To be printed without cropping."""

    rows: tuple[Listed, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        facts = [_facts(study, states) for study, states, _ in self.rows]
        names = max(len(study.name) for study, _, _ in self.rows)
        widths = [max(map(len, column)) for column in zip(HEADS[1:4], *facts, strict=True)]
        if names + sum(widths) + len(widths) + 1 + LEAST_ANSWER <= options.max_width:
            yield self._table(facts)
            return
        for (study, _, answer), (_, trials, started) in zip(self.rows, facts, strict=True):
            yield Text(study.name, no_wrap=True, overflow="ignore")
            line = Text.assemble(styled_state(study.status), f"  {trials}  {started}  ", _cut(answer))
            yield Padding(line, (0, 0, 0, 2), expand=False)

    def _table(self, facts: Sequence[tuple[str, str, str]]) -> Table:
        table = new_table()
        for name in HEADS[:-1]:
            table.add_column(name, justify="right" if name == "trials" else "left", no_wrap=True)
        table.add_column(HEADS[-1], overflow="fold", ratio=1)
        for (study, _, answer), (_, trials, started) in zip(self.rows, facts, strict=True):
            table.add_row(Text(study.name), styled_state(study.status), trials, started, Text(_cut(answer) or DASH))
        return table


def _facts(study: StudyRecord, states: Mapping[str, int]) -> tuple[str, str, str]:
    return study.status, f"{_ended(states):,}/{sum(states.values()):,}", study.created_at.strftime("%Y-%m-%d %H:%M")


def _cut(answer: str) -> str:
    return answer if len(answer) <= ANSWER_CHARS else f"{answer[:ANSWER_CHARS].rstrip()}…"


def render_status(
    study: StudyRecord,
    states: Mapping[str, int],
    verdicts: Mapping[str, int],
    running: Sequence[tuple[TrialRecord, RunRecord | None]] = (),
    failed: Sequence[tuple[TrialRecord, RunRecord | None]] = (),
    progress: Mapping[int, str] = MappingProxyType({}),
    *,
    checks: Mapping[str, int] = MappingProxyType({}),
    seen: Sequence[Mapping[str, Any]] = (),
) -> RenderableType:
    """Return how far a study is: trials per state and verdict, what was seen, what runs now, what failed and why.

    `progress` says, by trial number, how far a running trial has come; `checks` are the trials that are not judged, by
    how they ended (`done`, `failed`), `seen` the symptoms of the base.
    """
    parts: list[RenderableType] = [
        Text.assemble((study.name, "bold"), "  ", styled_state(study.status), f"  task {study.task}"),
        Text.assemble(("trials    ", "dim"), verdicts_text(states) or "none"),
    ]
    is_check = study.config.get("probe") is not None
    if checks or is_check:
        parts.append(Text.assemble(("checks    ", "dim"), verdicts_text(checks) or "none yet"))
    if verdicts or not (checks or is_check):
        parts.append(Text.assemble(("verdicts  ", "dim"), verdicts_text(verdicts) or "none yet"))
    parts += brief_lines(seen)
    for label, trials in (("running", running), ("failed", failed)):
        if trials:
            parts += ["", _trial_table(label, trials, progress)]
    return Group(*parts)


def status_line(study: StudyRecord, states: Mapping[str, int], verdicts: Mapping[str, int]) -> str:
    """Return how far a study is in one line: `s: running, 3 of 8 trials ended (2 converged, 1 stalled), 2 running`.

    `verdicts` may say of trials that are not judged that they are done or have failed.
    """
    said = f" ({verdicts_text(verdicts)})" if verdicts else ""
    live = sum(count for state, count in states.items() if TrialState(state) in LIVE_STATES)
    running = f", {live} running" if live else ""
    ended = share_text(_ended(states), sum(states.values()), "trial")
    return f"{study.name}: {study.status}, {ended} ended{said}{running}"


def how_it_ended(study: StudyRecord, states: Mapping[str, int], answer: str, store_option: str = "") -> str:
    """Return how a study ended, and what to do next.

    `store_option` is what a verb needs to find the study (` --store URL`).
    """
    again = f"`python -m sweep resume {study.name}{store_option}` resumes it"
    match study.status:
        case "interrupted":
            left = sum(states.values()) - _ended(states)
            rest = f" with {count_text(left, 'trial')} still to run" if left else ""
            return f"{study.name} was interrupted{rest}; {again}"
        case "failed":
            see = f"`python -m sweep status {study.name}{store_option}` shows what failed"
            return f"{study.name} could not be completed; {see}"
        case _:
            return f"{study.name} {study.status}. {answer}".rstrip()


def _ended(states: Mapping[str, int]) -> int:
    return sum(count for state, count in states.items() if TrialState(state) not in OPEN_STATES)


def _failure_text(run: RunRecord) -> str:
    """Return how a run ended, printable and each thing once: `crash: KeyError: 'x'`, `killed by SIGTERM`."""
    kind, message = shown_failure(str(run.failure or run.stop_reason or "")), run.message or ""
    parts = [message] if message.startswith(kind) and message else [kind, message]
    return printable(": ".join(part for part in parts if part))


def _trial_table(
    label: str, trials: Sequence[tuple[TrialRecord, RunRecord | None]], progress: Mapping[int, str]
) -> RenderableType:
    table = new_table()
    table.add_column(label, justify="right", no_wrap=True)
    table.add_column("cell", overflow="fold")
    table.add_column("seed", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("", overflow="fold")
    for trial, run in trials:
        about = "" if run is None else _failure_text(run) if run.failure else _place(run)
        about = f"{progress[trial.number]}  {about}" if trial.number in progress else about
        table.add_row(
            str(trial.number),
            Text(str(trial.cell)),
            str(trial.seed),
            styled_state(trial.state),
            Text(about, style="dim"),
        )
    return table


def _place(run: RunRecord) -> str:
    return " ".join(f"{word}" for word in (run.device, run.host, f"pid {run.pid}" if run.pid else "") if word)


def render_trial(
    study: StudyRecord,
    trial: TrialRecord,
    runs: Sequence[RunRecord],
    curves: Mapping[str, Series],
    target: Target,
) -> RenderableType:
    """Return all that is known of one trial: state, verdict, symptoms, overrides, runs, metrics with a sparkline."""
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
    parts: list[RenderableType] = [facts]
    if trial.judgement is not None:
        _add_judgement(facts, trial.judgement)
        note = loss_note(target, curves) if study.config.get("probe") is None else ""
        if note:
            facts.add_row("note", Text(note))
    if trial.judgement is not None and trial.judgement.symptoms:
        axes, knobs = [toggle.axis for toggle in trial.cell.toggles], study.config.get("task")
        found = sorted(trial.judgement.symptoms, key=lambda s: urgency(s.rule, s.metric))
        seen = [told(symptom, axes, knobs) for symptom in found]
        parts += ["", *full_lines(seen), "", _symptom_table(trial.judgement)]
    if runs:
        parts += ["", _run_table(runs)]
    if curves:
        parts += ["", metric_table(curves, target)]
    return Group(*parts)


def _add_judgement(facts: Any, judgement: Judgement) -> None:
    if judgement.reason == PROBE_REASON:
        facts.add_row("verdict", "none: a check is not judged")
        facts.add_row("steps", f"{judgement.last_step:,} run")
        return
    facts.add_row("verdict", styled_verdict(judgement.verdict))
    if not judgement.is_current:
        facts.add_row("rules", f"version {judgement.rules_version} (the present rules have version {RULES_VERSION})")
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
            Text(_failure_text(run) or DASH),
        )
    return Group(table, Text(f"files: {runs[-1].dir}", style="dim", overflow="fold"))


def metric_table(curves: Mapping[str, Series], target: Target) -> RenderableType:
    """Return the metrics of one trial, the one that decides first, and below it what was compared if it is smoothed."""
    table = new_table()
    table.add_column("metric", overflow="fold")
    for name in ("points", "first", "last", "best"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    decider = shown_metric(target, curves)
    rows = sorted(curves.items(), key=lambda item: (item[0] != decider, natural(item[0])))
    compared = compared_series(target, curves)
    if compared is not None:
        rows.insert(1, (SMOOTHED + compared[0], compared[1]))
    for metric, series in rows:
        if not len(series) or layer_of(metric):
            continue
        finite = [value for value in series.values.tolist() if math.isfinite(value)]
        is_max = metric.removeprefix(SMOOTHED) == target.metric and target.mode == "max"
        best = (max(finite) if is_max else min(finite)) if finite else None
        table.add_row(
            Text(short_name(metric)),
            f"{len(series):,}",
            number_text(float(series.values[0])),
            number_text(float(series.values[-1])),
            number_text(best) if metric == target.metric or "loss" in metric else DASH,
            sparkline(series.values),
        )
    hidden = sum(1 for metric in curves if layer_of(metric))
    more = f"and {hidden} series of single layers; `export` writes them all"
    return Group(table, Text(more, style="dim")) if hidden else table
