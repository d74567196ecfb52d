"""report.html: one self-contained page. Jinja escapes all text; the page's policy forbids all loads, and all scripts
except its own, so that nothing a trial wrote is executed."""

import base64
import hashlib
import json
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from sweep.domain.plural import figure_text
from sweep.domain.printable import printable, short_name
from sweep.report import phrases
from sweep.report.charts import forest_row, forest_scale
from sweep.report.commands import study_command, verb_store
from sweep.report.copyable import uses
from sweep.report.data import ReportData
from sweep.report.documents import InteractionDocument, RankingDocument, ToggleDocument
from sweep.report.headings import BaseDocument
from sweep.report.provenance_text import provenance_line
from sweep.report.sections import (
    MAX_MARKED_AXES,
    MAX_NAMED_AXES,
    Capped,
    cells_by_interest,
    charts_of,
    chip,
    matrix_rows,
    symptom_rows,
    trial_rows,
)
from sweep.report.symptom_text import place_text


@cache
def environment() -> Environment:
    """Return the Jinja environment of the templates: everything is escaped, an unknown name is an error."""
    env = Environment(
        loader=PackageLoader("sweep.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "number": phrases.number_text,
        "p": phrases.p_text,
        "interval": lambda pair: phrases.interval_text(*pair) if pair else phrases.DASH,
        "chip": chip,
        "breakable": breakable,
        "cell_name": cell_name,
        "toggle_names": toggle_names,
        "short": short_name,
        "place": place_text,
        "words": lambda word: word.replace("_", " "),
        "duration": phrases.duration_text,
        "inert": phrases.inert_text,
        "point": phrases.point_text,
        "minute": phrases.minute_text,
    }
    return env


def _printable(value: object) -> object:
    """Return what a template prints with control characters escaped: text from a trial may hold a NUL."""
    if isinstance(value, Markup):
        return Markup(printable(value))
    return printable(value) if isinstance(value, str) else value


def render_page(template: str, *, title: str, styles: str = "", **context: object) -> str:
    """Return a page in the frame that all pages share (page.html): its style, its script, its policy.

    `styles` is CSS in addition to the common one; `context` has the template's variables.
    """
    env = environment()
    script = env.get_template("page.js").render()
    return env.get_template(template).render(
        title=title,
        style=env.get_template("page.css").render() + styles,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **context,
    )


def render_html(data: ReportData, document: RankingDocument) -> str:
    """Return the page of a study, complete without scripts, network or other files."""
    cells = cells_by_interest(document)
    return render_page(
        "report.html",
        title=document.study,
        summary=document,
        target=phrases.target_text(document.target),
        alternatives=phrases.alternatives_text(document),
        uses=uses(document.recommended),
        provenance=provenance_line(document.provenance),
        tiles=_tiles(document),
        base_forest=forest_of_base(document.base),
        ranking=ranking_rows(document),
        forest_scale=forest_scale(),
        axes=[axis.name for axis in data.axes] if len(data.axes) <= MAX_MARKED_AXES else [],
        names_levels=0 < len(data.axes) <= MAX_NAMED_AXES and not any(o.cell.params for o in data.outcomes),
        matrix=matrix_rows(data, cells),
        charts=charts_of(data, cells),
        symptoms=symptom_rows(data),
        trials=trial_rows(data),
        interactions=_interactions(document),
        config=_pretty(data.study.config.raw),
        provenance_json=_pretty(document.provenance),
        command_text=study_command(data),
        store=verb_store(data.study),
    )


def breakable(name: str) -> Markup:
    """Return a name with line breaks allowed after `_`, `=`, `/` and `.`."""
    return Markup(re.sub(r"([_=/]|\.(?!\d))(?=.)", r"\1<wbr>", str(escape(name))))


def cell_name(name: str) -> Markup:
    """Return a cell's name that breaks between its toggles, and within a toggle only if it must."""
    parts = [Markup('<span class="t">{}</span>').format(breakable(part)) for part in name.split(" + ")]
    return Markup(" + ").join(parts)


def toggle_names(names: Sequence[str]) -> Markup:
    """Return a set of toggles, `A with B`, that breaks between them, and within a toggle only if it must."""
    return Markup(" with ").join(Markup('<span class="t">{}</span>').format(breakable(name)) for name in names)


def _tiles(document: RankingDocument) -> list[tuple[str, str]]:
    cost = document.cost
    converged = sum(cell.converged for cell in document.cells)
    tiles = [
        ("trials", phrases.trials_text(cost.trials, cost.planned).removesuffix("s").removesuffix(" trial")),
        ("converged", f"{converged:,}"),
        ("steps run", phrases.number_text(cost.steps)),
        ("base run equivalents", figure_text(cost.base_run_equivalents, 3)),
        ("wall time", phrases.duration_text(cost.wall_s)),
    ]
    return [*tiles, ("reused", f"{cost.reused:,}")] if cost.reused else tiles


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingRow:
    """A toggle of the ranking's table, with its interval drawn, the steps it saves, and its overrides to paste."""

    toggle: ToggleDocument
    forest: Markup
    saved: str
    overrides: str


def ranking_rows(document: RankingDocument) -> list[RankingRow]:
    """Return the rows of the ranking's table, by rank: the toggles that could be tried."""
    base = document.base.interval
    return [
        RankingRow(
            toggle=toggle,
            forest=forest_row(toggle.repair_probability, toggle.interval, base, toggle.status)
            if toggle.trials
            else Markup(""),
            saved=_signed(toggle.steps_to_target.saved),
            overrides=shlex.join(toggle.overrides),
        )
        for toggle in phrases.tried_toggles(document)
    ]


def forest_of_base(base: BaseDocument) -> str:
    """Return a drawing of the base's interval, empty if it has no trial."""
    if base.interval is None or base.probability is None or not base.trials:
        return ""
    return forest_row(base.probability, base.interval, base.interval, "base")


def _signed(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return phrases.DASH
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{phrases.number_text(round(abs(value)))}"


def _interactions(document: RankingDocument) -> Capped[InteractionDocument]:
    """Return the pairs, strongest first."""
    rows = sorted(document.interactions, key=lambda item: -abs(item.value))[:100]
    return Capped(rows=rows, total=len(document.interactions))


def _pretty(value: Mapping[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
