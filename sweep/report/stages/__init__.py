"""How each stage of a study is shown: one module of this folder each, found by the stage's name.

`terminal` and `markdown` do not import jinja2. `folder` is the folder of the stage's study, whose pictures a page
embeds; `store` is what a verb needs to find the study (` --store URL`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from rich.console import RenderableType

from sweep.domain.data_check import DataReport
from sweep.domain.inventory import InventoryReport
from sweep.domain.lr_range import RateConfirmation, RateRange
from sweep.domain.overfit import OverfitReport
from sweep.report.documents import RankingDocument
from sweep.report.stages import ablation, base, data, inventory, lr_confirm, lr_range, overfit

if TYPE_CHECKING:
    from markupsafe import Markup

S = TypeVar("S")
Shown = TypeVar("Shown", contravariant=True)


class StageModule(Protocol[Shown]):
    """The functions of a module of this folder. `Shown` is the type of its stage's section."""

    def terminal(self, section: Shown, store: str = "") -> RenderableType:
        """Return the section for a terminal."""
        ...

    def markdown(self, section: Shown) -> str:
        """Return the section for report.md."""
        ...

    def html(self, section: Shown, folder: Path) -> "Markup":
        """Return the section for a page."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A stage: its heading, and how its section is shown. Raises TypeError for the section of another stage."""

    title: str
    terminal: Callable[[object, str], RenderableType]
    markdown: Callable[[object], str]
    html: Callable[[object, Path], "Markup"]


def _view(title: str, kind: type[S], module: StageModule[S]) -> View:
    def own(section: object) -> S:
        if not isinstance(section, kind):
            raise TypeError(f"{title}: expected a {kind.__name__}, found a {type(section).__name__}")
        return section

    return View(
        title=title,
        terminal=lambda section, store: module.terminal(own(section), store),
        markdown=lambda section: module.markdown(own(section)),
        html=lambda section, folder: module.html(own(section), folder),
    )


VIEWS: Mapping[str, View] = {
    "data": _view("Data", DataReport, data),
    "overfit": _view("Overfit gate", OverfitReport, overfit),
    "base": _view("Base", RankingDocument, base),
    "lr_range": _view("Learning-rate range test", RateRange, lr_range),
    "lr_confirm": _view("Confirmed by short trials", RateConfirmation, lr_confirm),
    "inventory": _view("Inventory", InventoryReport, inventory),
    "ablation": _view("Ablation", RankingDocument, ablation),
    "verify": _view("Verified on fresh seeds", RankingDocument, ablation),
}
"""The stages that can be shown, by name."""
