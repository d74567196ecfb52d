"""The overfit gate: its verdict for each seed, and the curves of its training."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from sweep.domain.overfit import GateCurve, GateTrial, GateVerdict, OverfitReport
from sweep.report.markdown import escaped
from sweep.report.phrases import number_text
from sweep.report.sparkline import sparkline

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH = 48
"""Characters of a curve in a terminal."""


def terminal(section: OverfitReport, store: str = "") -> RenderableType:  # noqa: ARG001 - every stage has it
    """Return the verdict, what was changed for the check, and a line for each curve."""
    parts: list[RenderableType] = []
    for row in _detailed(section):
        parts.append(Text(_headline(row, len(section.trials) > 1), style="dim"))
        longest = max((len(curve.metric) for curve in row.curves), default=0)
        for curve in row.curves:
            if curve.values:
                line = Text(f"  {curve.metric:<{longest}}  ").append(sparkline(curve.values, WIDTH), style="cyan")
                parts.append(line.append(f"  {_from_to(curve)}"))
    return Group(*parts)


def markdown(section: OverfitReport) -> str:
    """Return the rule, and a table of the trials."""
    lines = [f"Learnt means: {escaped(section.rule)}.", ""]
    lines += ["| seed | | at step | samples right | loss / first loss | changed |", "|--:|:--|--:|--:|--:|:--|"]
    for row in section.trials:
        cells = [
            str(row.seed),
            _word(row),
            number_text(row.learnt_at),
            _share(row.right),
            _share(row.loss_part),
        ]
        lines.append(f"| {' | '.join(escaped(cell) for cell in [*cells, ', '.join(row.changed) or 'nothing'])} |")
    return "\n".join(lines) + "\n"


def html(section: OverfitReport, folder: Path) -> "Markup":  # noqa: ARG001 - every stage has it
    """Return the verdict for each seed with its curves as small charts."""
    from markupsafe import Markup

    rule = Markup('<p class="hint">Learnt means: {}. At most {:,} steps.</p>').format(section.rule, section.steps)
    bodies = [
        Markup('<p>{}</p><div class="cells">{}</div>').format(
            _headline(row, len(section.trials) > 1),
            Markup("").join(_card(row, curve) for curve in row.curves if curve.values),
        )
        for row in _detailed(section)
    ]
    return rule + Markup("").join(bodies)


def _card(row: GateTrial, curve: GateCurve) -> "Markup":
    import numpy as np
    from markupsafe import Markup

    from sweep.report.charts import Curve, panel, scale_of
    from sweep.report.html import breakable

    drawn = Curve(
        steps=np.array(curve.steps, dtype=np.float64),
        values=np.array(curve.values, dtype=np.float64),
        bad_step=curve.bad_step,
        word={GateVerdict.LEARNT: "converged", GateVerdict.DIVERGED: "diverged"}.get(row.verdict, "not_converged"),
        label=f"seed {row.seed}: {_word(row)}",
        tau=row.learnt_at,
    )
    chart = panel([drawn], scale_of(curve.metric, [drawn], None), row.last_step, threshold=None, is_many=False)
    return Markup('<div class="card"><h3><span>{}</span><span>{}</span></h3><figure>{}</figure></div>').format(
        breakable(curve.metric), _from_to(curve), chart
    )


def _detailed(section: OverfitReport) -> list[GateTrial]:
    """Return the trials with details beyond the answer: all but a single one that took no samples."""
    trials = list(section.trials)
    return [] if len(trials) == 1 and not trials[0].samples else trials


def _headline(row: GateTrial, is_one_of_many: bool) -> str:
    classes = f" of the classes {', '.join(sorted(set(row.classes), key=float))}" if row.classes else ""
    seed = f"seed {row.seed}, " if is_one_of_many else ""
    said = f"{seed}{_word(row)}"
    if row.samples:
        said += f": {row.samples} samples{classes}; changed: {', '.join(row.changed) or 'nothing'}"
    return said


def _word(row: GateTrial) -> str:
    return str(row.verdict).replace("_", " ")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _from_to(curve: GateCurve) -> str:
    return f"{number_text(curve.values[0])} → {number_text(curve.values[-1])}"
