"""The inventory of a script: by axis, what could be changed and on which lines; then what it reported and how long it
ran."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from sweep.domain.inventory import Inventory, InventoryReport, Part
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

SHOWN_LINES = 6
"""Maximum number of lines named of equal parts."""


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


def parts_text(parts: Sequence[Part]) -> str:
    """Return parts as one would say them, equal ones together: `2 Dropout(p=0.5) at model.py:23, :31`."""
    alike: dict[str, list[Part]] = {}
    for part in parts:
        alike.setdefault(part.what, []).append(part)
    return "; ".join(_alike(what, same) for what, same in alike.items())


def lines_text(places: Iterable[str]) -> str:
    """Return lines of a program, the file named once: `model.py:23, :31, train.py:5`."""
    known, texts = "", []
    for place in dict.fromkeys(places):
        file, _, line = place.rpartition(":")
        texts.append(f":{line}" if file == known else place)
        known = file
    left = len(texts) - SHOWN_LINES
    return ", ".join(texts[:SHOWN_LINES]) + (f" and {count_text(left, 'more line')}" if left > 0 else "")


def _alike(what: str, parts: Sequence[Part]) -> str:
    count = sum(part.count for part in parts)
    places = [part.where for part in parts if part.where is not None]
    where = f" at {lines_text(places)}" if places else " in a package"
    return f"{f'{count:,} ' if count > 1 else ''}{what}{where}"


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
