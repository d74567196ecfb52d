"""What a program has that the knobs could change, as seen while it ran: its inventory. No Paddle needed here.

The worker records it (`sweep/worker/surgery`), the orchestrator reads it: toggles that would change nothing are inert,
and an answer names the line of a part.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing of a program that a knob could change or has changed.

    `what` describes it as the user would write it: `Dropout(p=0.95)`. `where` is the program's line that made it, as
    `train.py:23`, with a path relative to the program's folder; None if it is not in the program's own files. `value`
    is its present value in the knob's unit (a probability, a coefficient, a norm, a name), None if it has none. `count`
    is the number of equal parts made at that line.
    """

    knob: str
    what: str
    where: str | None = None
    value: float | str | None = None
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSite:
    """A line of a program at which a backward pass began, and the name of the series with its losses."""

    series: str
    where: str | None
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one run of a program showed.

    `parts`: what the knobs would reach. `changed`: what the knobs that were set have changed. `losses`: by call site,
    the main one first. `metrics`: names of the series that it reported. `seeding`: the seeds that it sets itself, as
    `paddle.seed(42) at train.py:5`. `limits`: what the knobs cannot reach, and why. `steps` are optimizer steps,
    `epochs` passes over the training loader (None if it has no loader).
    """

    parts: tuple[Part, ...] = ()
    changed: tuple[Part, ...] = ()
    losses: tuple[LossSite, ...] = ()
    metrics: tuple[str, ...] = ()
    seeding: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    steps: int = 0
    epochs: int | None = None
    wall_s: float = 0.0

    def of_knob(self, knob: str) -> tuple[Part, ...]:
        """Return the parts that a knob would reach."""
        return tuple(part for part in self.parts if part.knob == knob)
