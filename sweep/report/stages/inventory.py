"""The inventory of a script: by axis, what could be changed and on which lines; then what it reported and how long it
ran."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from sweep.domain.inventory import Inventory, InventoryReport
from sweep.domain.part_words import parts_text
from sweep.domain.plural import count_text
from sweep.report.markdown import escaped
from sweep.report.phrases import number_text
from sweep.report.tables import new_rows

if TYPE_CHECKING:
    from markupsafe import Markup

AXES = {
    "dropout": "dropout",
    "weight_decay": "weight_decay",
    "augmentation": "augmentation",
    "init": "init",
    "scheduler": "scheduler",
    "clip": "clip",
    "lr_scale": "lr",
    "optimizer": "optimizer",
    "batch_scale": "batch_size",
    "shuffle": "shuffle",
    "activation": "activation",
    "input_norm": "input_norm",
    "target_norm": "target_norm",
    "loss": "loss",
    "adam_eps": "adam_eps",
    "amp": "amp",
}
"""The axis of each knob, in the order of docs/axes.md."""


def terminal(section: InventoryReport, store: str = "") -> RenderableType:  # noqa: ARG001 - every stage has it
    """Return a line for each axis with what it could change, and what the program reported."""
    rows = new_rows()
    for label, text in inventory_rows(section):
        rows.add_row(label, Text(text))
    return rows


def markdown(section: InventoryReport) -> str:
    """Return the same as a table."""
    lines = ["| | |", "|:--|:--|"]
    lines += [f"| {escaped(label)} | {escaped(text)} |" for label, text in inventory_rows(section)]
    return "\n".join(lines) + "\n"


def html(section: InventoryReport, folder: Path) -> "Markup":  # noqa: ARG001 - every stage has it
    """Return the same as a table."""
    from markupsafe import Markup

    rows = [Markup("<tr><th>{}</th><td>{}</td></tr>").format(*row) for row in inventory_rows(section)]
    return Markup("<table>{}</table>").format(Markup("").join(rows))


def inventory_rows(section: InventoryReport) -> list[tuple[str, str]]:
    """Return (label, text) of each line of an inventory."""
    inventory = section.inventory
    rows = [
        (axis, parts_text(inventory.of_knob(knob)) or "none")
        for knob, axis in AXES.items()
        if _is_known(knob, inventory)
    ]
    rows += [("loss series", "; ".join(_losses(inventory)) or "no backward pass was seen")]
    rows += [("reported", ", ".join(_metrics(section)) or "nothing")]
    rows += [("seeds", "; ".join(inventory.seeding) or "sets none itself")]
    rows += [("not reached", limit) for limit in inventory.limits]
    rows += [("length", _length(inventory))]
    return rows


def _is_known(knob: str, inventory: Inventory) -> bool:
    return knob in inventory.knobs or bool(inventory.of_knob(knob))


def _losses(inventory: Inventory) -> Iterator[str]:
    for site in inventory.losses:
        passes = count_text(site.calls, "backward pass", "backward passes")
        yield f"{site.series} at {site.where or 'a line of a package'} ({passes})"


def _metrics(section: InventoryReport) -> Iterator[str]:
    for metric in section.metrics:
        once = ", reported once" if metric.values == 1 else ""
        yield f"{metric.name} (last {number_text(metric.last)}{once})"


def _length(inventory: Inventory) -> str:
    passes = "" if not inventory.epochs else f", {count_text(inventory.epochs, 'pass', 'passes')} over its loader"
    return f"{count_text(inventory.steps, 'step')} in {number_text(inventory.wall_s)} s{passes}"
