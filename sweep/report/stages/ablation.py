"""The changes that restore convergence. The section is the summary of the ablation's study."""

from pathlib import Path

from markupsafe import Markup
from rich.console import RenderableType

from sweep.report.documents import RankingDocument
from sweep.report.phrases import alternatives_text


def terminal(section: RankingDocument, store: str = "") -> RenderableType:
    """Return the ranking as a table."""
    from sweep.report.terminal import RankingTable, search_table

    if section.search:
        return search_table(section.search.top)
    return RankingTable(section, store=store)


def markdown(section: RankingDocument) -> str:
    """Return the ranking as a table."""
    from sweep.report.markdown import findings_tables

    return "\n".join(findings_tables(section)) + "\n"


def html(section: RankingDocument, folder: Path) -> Markup:
    """Return ranking and repairs; the study's own page has cells, curves and trials."""
    from sweep.report.charts import forest_scale
    from sweep.report.html import environment, forest_of_base, ranking_rows

    template = environment().get_template("stage_ablation.html")
    return Markup(
        template.render(
            summary=section,
            ranking=ranking_rows(section),
            base_forest=forest_of_base(section.base),
            forest_scale=forest_scale(),
            alternatives=alternatives_text(section),
            page=f"../{folder.name}/report.html",
        )
    )
