"""Studies made of stages (checks, learning-rate range, the whole road): their summary.json and its three renderings."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from sweep.domain.checked import REPORTS, CheckReport, CheckResult
from sweep.domain.counts import count_text
from sweep.domain.jsonform import from_json, to_json, to_object
from sweep.domain.trial import StudyRecord
from sweep.report.commands import PROGRAM, arguments, fixed_command
from sweep.report.copied import recommended_lines, uses
from sweep.report.documents import SCHEMA, STAGES, RankingDocument, Recommended, read_ranking
from sweep.report.markdown import code, escaped
from sweep.report.phrases import duration_text, provenance_text, trials_text
from sweep.report.stages import TITLES, view
from sweep.report.summary import provenance_of
from sweep.report.tables import labelled
from sweep.rundir import write_json_atomic, write_text_atomic

QUIET = ("data", "overfit")
"""Stages of which, among others, a terminal shows only the answer where nothing is broken; the page has all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEntry:
    """One stage: `stage` names its view, `study` is the study whose trials it had."""

    stage: str
    study: str
    is_ok: bool
    answer: str
    section: Mapping[str, Any] = field(hash=False)
    notes: tuple[str, ...] = ()
    command: str | None = None

    @classmethod
    def of_probe(cls, stage: str, study: str, result: CheckResult) -> "StageEntry":
        """Return the stage of a check's result."""
        return cls(
            stage=stage,
            study=study,
            is_ok=result.is_ok,
            answer=result.answer,
            section={} if result.section is None else to_object(result.section),
            notes=result.notes,
        )

    @classmethod
    def of_document(cls, stage: Mapping[str, Any]) -> "StageEntry":
        """Return the stage of another study's summary.json, without the command that ran it."""
        return cls(
            stage=stage["stage"],
            study=stage["study"],
            is_ok=stage["ok"],
            answer=stage["answer"],
            section=stage["section"],
            notes=tuple(stage["notes"]),
        )


def staged_summary(
    record: StudyRecord,
    stages: Sequence[StageEntry],
    result: CheckResult,
    *,
    cost: Mapping[str, Any],
    seeds: Iterable[int],
) -> dict[str, Any]:
    """Return summary.json of a study made of stages; `result` is what they show together (its section is not used).

    `seeds` are those of the stages' trials: a stage has its own.
    """
    summary = {
        "schema": SCHEMA,
        "kind": STAGES,
        "study": record.name,
        "task": record.task,
        "command": list(record.command),
        "status": record.status,
        "created_at": record.created_at.isoformat(timespec="seconds"),
        "ended_at": record.ended_at.isoformat(timespec="seconds") if record.ended_at else None,
        "ok": result.is_ok,
        "answer": result.answer,
        "notes": list(result.notes),
        "stages": [
            {
                "stage": entry.stage,
                "study": entry.study,
                "ok": entry.is_ok,
                "answer": entry.answer,
                "notes": list(entry.notes),
                "command": entry.command,
                "section": entry.section,
            }
            for entry in stages
        ],
        "recommended": {
            "overrides": list(result.overrides),
            "command": fixed_command(record, result.overrides) if result.overrides else None,
            "ties": [list(overrides) for overrides in result.ties],
            "reason": result.choice_reason,
        },
        "cost": dict(cost),
        "provenance": provenance_of(record, seeds),
    }
    return cast("dict[str, Any]", to_json(summary))


def write_staged(summary: Mapping[str, Any], results: Path) -> None:
    """Write summary.json, report.md and report.html of a study made of stages into its folder below `results`."""
    folder = results / str(summary["study"])
    folder.mkdir(parents=True, exist_ok=True)
    write_json_atomic(folder / "summary.json", summary)
    write_text_atomic(folder / "report.md", staged_markdown(summary))
    write_text_atomic(folder / "report.html", staged_html(summary, results))


def render_staged(summary: Mapping[str, Any], *, store: str = "") -> RenderableType:
    """Return what a terminal shows: the answer, then each stage, then the command and what it cost.

    `store` is what a verb needs to find the study (` --store URL`).
    """
    parts: list[RenderableType] = [Text(summary["answer"], style="bold"), ""]
    is_single = len(summary["stages"]) == 1
    for stage in summary["stages"]:
        shown: list[RenderableType] = []
        if not is_single:
            shown += [Rule(TITLES[stage["stage"]], align="left", style="dim"), Text(stage["answer"])]
        if is_single or stage["stage"] not in QUIET or not stage["ok"]:
            body = view(stage["stage"]).terminal(
                _section(stage), **({"store": store} if stage["stage"] not in REPORTS else {})
            )
            shown += [] if isinstance(body, Group) and not body.renderables else [body]
        shown += labelled("note", *(note for note in stage["notes"] if note not in summary["notes"]))
        parts += [*shown, ""] if shown else []
    parts += recommended_lines(from_json(Recommended, summary["recommended"]))
    parts += labelled("note", *summary["notes"])
    parts += labelled("cost", staged_cost(summary["cost"]))
    parts += labelled("from", provenance_text(summary["provenance"]))
    return Group(*parts)


def _section(stage: Mapping[str, Any]) -> CheckReport | RankingDocument:
    """Return a stage's section as its view takes it."""
    kind = REPORTS.get(stage["stage"])
    return read_ranking(stage["section"]) if kind is None else from_json(kind, stage["section"])


def staged_markdown(summary: Mapping[str, Any]) -> str:
    """Return report.md: the answer, the command, then each stage."""
    lines = [f"## {escaped(summary['study'])}", "", f"**{escaped(summary['answer'])}**", ""]
    if summary["recommended"]["command"]:
        lines += ["Apply it:", "", f"    {summary['recommended']['command']}", ""]
    lines += [f"- {escaped(note)}" for note in summary["notes"]] + ([""] if summary["notes"] else [])
    for stage in summary["stages"]:
        lines += [f"### {TITLES[stage['stage']]}", "", f"{escaped(stage['answer'])}", ""]
        lines += [view(stage["stage"]).markdown(_section(stage)).rstrip("\n"), ""]
        lines += [f"Alone: {code(stage['command'])}", ""] if stage["command"] else []
    lines += [f"Cost: {escaped(staged_cost(summary['cost']))}  ", f"From: {provenance_text(summary['provenance'])}"]
    return "\n".join(lines) + "\n"


def staged_html(summary: Mapping[str, Any], results: Path) -> str:
    """Return report.html: one self-contained page."""
    from sweep.report.html import render_page  # brings jinja2 along

    return render_page(
        "staged.html",
        title=summary["study"],
        summary=summary,
        stages=[
            {
                **stage,
                "title": TITLES[stage["stage"]],
                "body": view(stage["stage"]).html(_section(stage), results / stage["study"]),
            }
            for stage in summary["stages"]
        ],
        cost=staged_cost(summary["cost"]),
        uses=uses(from_json(Recommended, summary["recommended"])),
        command_text=shlex.join([*PROGRAM, *arguments(summary["command"])]),
        provenance=provenance_text(summary["provenance"]),
    )


def staged_cost(cost: Mapping[str, Any]) -> str:
    """Return the cost in words: `7 trials, 2,450 steps, 12 s`."""
    reused = f", {cost['reused']:,} reused" if cost["reused"] else ""
    done = f"{trials_text(cost['trials'], cost.get('planned'))}, {count_text(cost['steps'], 'step')}"
    return f"{done}, {duration_text(cost['wall_s'])}{reused}"
