"""The base over its seeds: whether it converges, and its symptoms. The section is the summary of its study."""

from pathlib import Path

from markupsafe import Markup
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from sweep.domain.symptoms import title_of
from sweep.domain.verdict import Verdict
from sweep.report.documents import RankingDocument
from sweep.report.headings import BaseDocument
from sweep.report.markdown import escaped
from sweep.report.phrases import DASH, target_text, verdicts_text
from sweep.report.symptom_text import fix_text, place_text


def terminal(section: RankingDocument, store: str = "") -> RenderableType:  # noqa: ARG001 - every ranked stage has it
    """Return the verdicts of the seeds, and the symptoms."""
    base = section.base
    parts: list[RenderableType] = [
        Text(target_text(section.target), style="dim"),
        Text(f"base  {base.converged}/{base.trials} converged: {verdicts_text(base.verdicts) or DASH}"),
    ]
    return Group(*parts, *(Padding(Text(line), (0, 0, 0, 2), expand=False) for line in _symptoms(base)))


def markdown(section: RankingDocument) -> str:
    """Return the same for report.md."""
    base = section.base
    counts = verdicts_text(base.verdicts) or DASH
    lines = [f"{base.converged} of {base.trials} seeds converged ({escaped(counts)})."]
    return "\n".join([*lines, "", *(f"- {escaped(line)}" for line in _symptoms(base))]) + "\n"


def html(section: RankingDocument, folder: Path) -> Markup:
    """Return curves and symptoms; the study's own page has the rest."""
    from sweep.report.basecurves import base_panels
    from sweep.report.html import environment

    template = environment().get_template("stage_base.html")
    return Markup(
        template.render(
            summary=section,
            target=target_text(section.target),
            panels=base_panels(section.curves or ()),
            page=f"../{folder.name}/report.html",
        )
    )


def _symptoms(base: BaseDocument) -> list[str]:
    converges = base.verdict == Verdict.CONVERGED
    return [
        f"{symptom.title or title_of(symptom.rule)} ({place_text(symptom)}): {symptom.message}"
        f"{fix_text(symptom, converges=converges)}"
        for symptom in base.symptoms
    ]
