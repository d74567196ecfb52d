"""A part of a program that a knob reaches. Alone here: records of studies need nothing else of an inventory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing of a program that a knob could change or has changed.

    `what` describes it as the user would write it: `Dropout(p=0.95)`. `where` is the program's line that made it, as
    `train.py:23`, with a path relative to the program's folder; None if it is not in the program's own files. `value`
    is its present value in the knob's unit (the table in domain/inventory.py), None if it has none. `count` is the
    number of equal parts made at that line.
    """

    knob: str
    what: str
    where: str | None = None
    value: float | str | None = None
    count: int = 1
