"""How each stage of a study looks: one module per stage, over the plain data of its section in summary.json.

Each has `terminal(section) -> RenderableType`, `markdown(section) -> str` and `html(section, folder) -> Markup`;
`folder` is the stage's study folder, whose pictures a page embeds. `terminal` and `markdown` import no jinja2.
"""

from importlib import import_module
from types import ModuleType

TITLES = {
    "data": "Data",
    "overfit": "Overfit gate",
    "base": "Base",
    "lr_range": "Learning-rate range",
    "lr_confirm": "Confirmed by short trials",
    "ablation": "Ablation",
    "verify": "Verified on fresh seeds",
}
"""The heading of each stage; a stage that is not here has no view."""


def view(stage: str) -> ModuleType:
    """Return the module that shows a stage."""
    return import_module(f"sweep.report.stages.{'ablation' if stage == 'verify' else stage}")
