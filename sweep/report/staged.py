"""Studies made of stages (checks, learning-rate range test, diagnosis): their document, and how it is shown.

summary.json is its only serialisation; terminal, report.md and report.html show it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from sweep.domain.checked import REPORTS, CheckReport, CheckResult
from sweep.domain.effect import Choice
from sweep.domain.json_form import Json, JsonObject, from_json
from sweep.domain.plural import count_text
from sweep.domain.result import Diagnosis, TrialsCost
from sweep.domain.script_words import folded
from sweep.domain.trial import StudyRecord
from sweep.report.commands import arguments, command_text, fixed_command
from sweep.report.copyable import recommended_lines, uses
from sweep.report.documents import SCHEMA, STAGES, RankingDocument, read_ranking
from sweep.report.headings import Recommended
from sweep.report.markdown import code, escaped
from sweep.report.phrases import duration_text, trials_text
from sweep.report.provenance_text import provenance_line
from sweep.report.stages import VIEWS
from sweep.report.summary import provenance_of
from sweep.report.tables import labelled

QUIET = ("data", "overfit")
"""Stages of which a terminal shows only the answer if they are ok and not alone; the page shows all."""

Section: TypeAlias = CheckReport | RankingDocument
"""The findings of a stage: the report of a check, or the document of a ranking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDocument:
    """One stage: `stage` names its view, `study` is the study with its trials, `command` runs it alone."""

    stage: str
    study: str
    ok: bool
    answer: str
    notes: tuple[str, ...] = ()
    command: str | None = None
    section: Section

    @classmethod
    def of_check(cls, stage: str, study: str, result: CheckResult) -> "StageDocument":
        """Return the stage of a check's result. Raises ValueError for several checks together, which have no report."""
        if result.section is None:
            raise ValueError(f"{study}: the check {stage} has no report")
        return cls(
            stage=stage,
            study=study,
            ok=result.is_ok,
            answer=result.answer,
            notes=result.notes,
            section=result.section,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StagesCost:
    """The total cost of several stages: the fields of TrialsCost in the order of summary.json."""

    trials: int
    planned: int | None
    steps: int
    reused: int
    wall_s: float

    @classmethod
    def of(cls, cost: TrialsCost) -> "StagesCost":
        """Return the cost of all trials in this order."""
        return cls(**asdict(cost))


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedDocument:
    """summary.json of a study made of stages."""

    schema: int = SCHEMA
    kind: str = STAGES
    study: str
    task: str = ""
    command: tuple[str, ...] = ()
    status: str = ""
    created_at: str = ""
    ended_at: str | None = None
    ok: bool = True
    answer: str
    notes: tuple[str, ...] = ()
    stages: tuple[StageDocument, ...] = ()
    recommended: Recommended = field(default_factory=Recommended)
    cost: TrialsCost | StagesCost = field(default_factory=TrialsCost)
    provenance: Mapping[str, Json] = field(default_factory=dict, hash=False)


def staged_document(
    record: StudyRecord,
    stages: Sequence[StageDocument],
    found: Diagnosis | CheckResult,
    cost: TrialsCost | StagesCost,
    seeds: Iterable[int],
) -> StagedDocument:
    """Return the document of a study made of stages. `seeds` are those of all stages' trials."""
    chosen = found.recommended if isinstance(found, Diagnosis) else _choice(found)
    return StagedDocument(
        study=record.name,
        task=record.task,
        command=tuple(folded(record.command)),
        status=record.status,
        created_at=record.created_at.isoformat(timespec="seconds"),
        ended_at=record.ended_at.isoformat(timespec="seconds") if record.ended_at else None,
        ok=found.is_ok,
        answer=found.answer,
        notes=found.notes,
        stages=tuple(stages),
        recommended=Recommended(
            overrides=chosen.overrides,
            command=fixed_command(record, chosen.overrides) if chosen.overrides else None,
            ties=chosen.ties,
            reason=chosen.reason,
        ),
        cost=cost,
        provenance=provenance_of(record, seeds),
    )


def _choice(result: CheckResult) -> Choice:
    return Choice(overrides=result.overrides, ties=result.ties, reason=result.choice_reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeptStage:
    """A stage as stored in summary.json: the type of its section depends on the stage."""

    stage: str
    study: str
    ok: bool
    answer: str
    notes: tuple[str, ...] = ()
    command: str | None = None
    section: JsonObject = field(default_factory=dict, hash=False)

    def read(self) -> StageDocument:
        """Return the stage with its section read."""
        kind = REPORTS.get(self.stage)
        shown: Section = read_ranking(self.section) if kind is None else from_json(kind, self.section)
        return StageDocument(
            stage=self.stage,
            study=self.study,
            ok=self.ok,
            answer=self.answer,
            notes=self.notes,
            command=self.command,
            section=shown,
        )


def read_staged(data: JsonObject) -> StagedDocument:
    """Return the document that a summary.json of stages was written from. Raises ValueError for another shape."""
    kept = data.get("stages")
    stages = [from_json(_KeptStage, stage).read() for stage in kept] if isinstance(kept, list) else []
    return replace(from_json(StagedDocument, {**data, "stages": []}), stages=tuple(stages))


def render_staged(document: StagedDocument, *, store: str = "") -> RenderableType:
    """Return the report for a terminal: the answer, then each stage, then the command and the cost.

    `store` is what a verb needs to find the study (` --store URL`).
    """
    parts: list[RenderableType] = [Text(document.answer, style="bold"), ""]
    is_single = len(document.stages) == 1
    for stage in document.stages:
        shown: list[RenderableType] = []
        if not is_single:
            shown += [Rule(VIEWS[stage.stage].title, align="left", style="dim"), Text(stage.answer)]
        if is_single or stage.stage not in QUIET or not stage.ok:
            body = VIEWS[stage.stage].terminal(stage.section, store)
            shown += [] if isinstance(body, Group) and not body.renderables else [body]
        shown += labelled("note", *(note for note in stage.notes if note not in document.notes))
        parts += [*shown, ""] if shown else []
    parts += recommended_lines(document.recommended)
    parts += labelled("note", *document.notes)
    parts += labelled("cost", staged_cost(document.cost))
    parts += labelled("from", provenance_line(document.provenance))
    return Group(*parts)


def staged_markdown(document: StagedDocument) -> str:
    """Return report.md: the answer, the command, then each stage."""
    lines = [f"## {escaped(document.study)}", "", f"**{escaped(document.answer)}**", ""]
    if document.recommended.command:
        lines += ["Apply it:", "", f"    {document.recommended.command}", ""]
    lines += [f"- {escaped(note)}" for note in document.notes] + ([""] if document.notes else [])
    for stage in document.stages:
        lines += [f"### {VIEWS[stage.stage].title}", "", f"{escaped(stage.answer)}", ""]
        lines += [VIEWS[stage.stage].markdown(stage.section).rstrip("\n"), ""]
        lines += [f"Alone: {code(stage.command)}", ""] if stage.command else []
    lines += [f"Cost: {escaped(staged_cost(document.cost))}  ", f"From: {provenance_line(document.provenance)}"]
    return "\n".join(lines) + "\n"


def staged_html(document: StagedDocument, results: Path) -> str:
    """Return report.html: one self-contained page."""
    from sweep.report.html import render_page  # it imports jinja2

    return render_page(
        "staged.html",
        title=document.study,
        summary=document,
        stages=[
            (stage, VIEWS[stage.stage].title, VIEWS[stage.stage].html(stage.section, results / stage.study))
            for stage in document.stages
        ],
        cost=staged_cost(document.cost),
        uses=uses(document.recommended),
        command_text=command_text(arguments(document.command)),
        provenance=provenance_line(document.provenance),
    )


def staged_cost(cost: TrialsCost | StagesCost) -> str:
    """Return the cost as text: `7 trials, 2,450 steps, 12 s`."""
    reused = f", {cost.reused:,} reused" if cost.reused else ""
    done = f"{trials_text(cost.trials, cost.planned)}, {count_text(cost.steps, 'step')}"
    return f"{done}, {duration_text(cost.wall_s)}{reused}"
