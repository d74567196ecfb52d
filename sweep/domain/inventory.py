"""What a program has that the knobs could change, as seen while it ran: its inventory. No Paddle needed here.

The worker records it (`sweep/worker/surgery`), the orchestrator reads it: toggles that would change nothing are inert
(`sweep/domain/reach.py`), and an answer names the line of a part.

A knob's module records with `found` everything that it would change if it were set: layers when they are made, calls of
functionals once for each line. A program without parts of a recorded knob is one in which that knob changes nothing, so
what is not recorded here is not tried. The `value` of a part, by knob:

| knob | a part is | `value` |
|---|---|---|
| dropout | a layer, or a call of a functional; DropPath, RNN and attention with a dropout argument | its probability |
| weight_decay | an optimizer's decay, one of its groups', a ParamAttr regularizer | the coefficient |
| augmentation | a random transform | None |
| init | a Linear, Conv or similar layer with fresh weights; none if its weights were loaded | None |
| scheduler | a learning-rate scheduler that an optimizer uses, or `set_lr` by hand | the name of its class; "set_lr" |
| clip | a clip of an optimizer, a call of `clip_grad_*` | the largest norm, or value |
| lr_scale | an optimizer's base learning rate | the rate; of a schedule the highest |
| optimizer | an optimizer | the name of its class; for Adam with betas that are not its defaults, with these |
| batch_scale | a training loader | its batch size |
| shuffle | a training loader whose order can be changed | "on" or "off" |
| activation | a layer, or a call of a functional | its kind, as its functional: "sigmoid", "tanh", "relu", ... |
| input_norm | a training loader whose inputs can be scaled | None |
| target_norm | a regression loss: where the labels could be scaled | None |
| loss | a loss that is called | "softmax" if one is applied before it, "sum" for that reduction, else its name |
| adam_eps | an optimizer with an epsilon | the epsilon |
| amp | a use of mixed precision that has an effect on the device | None |

A value that is not known is None.
"""

from dataclasses import dataclass

from sweep.domain.enums import StrEnum
from sweep.domain.part import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSite:
    """A line of a program at which a backward pass began, and the name of the series with its losses."""

    series: str
    where: str | None
    calls: int


class ProgramEnd(StrEnum):
    """How the run of a program ended."""

    OWN = "own"  # it came to its own end
    CUT = "cut"  # it was ended after the time that an inventory may take
    CRASHED = "crashed"  # it raised an error, or its process died
    UNKNOWN = "unknown"  # the run did not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one run of a program showed.

    `parts`: what the knobs would reach; `knobs` names the knobs whose parts were recorded. `changed`: what the knobs
    that were set have changed. `losses`: by call site, the main one first. `metrics`: names of the series that it
    reported. `seeding`: the seeds that it sets itself, as `paddle.seed(42) at train.py:5`. `limits`: what the knobs
    cannot reach, and why. `steps` are optimizer steps, `epochs` passes over the training loader (None if it has no
    loader). `wall_s` are seconds of the program itself.
    """

    parts: tuple[Part, ...] = ()
    knobs: tuple[str, ...] = ()
    changed: tuple[Part, ...] = ()
    losses: tuple[LossSite, ...] = ()
    metrics: tuple[str, ...] = ()
    seeding: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    steps: int = 0
    epochs: int | None = None
    wall_s: float = 0.0
    ended: ProgramEnd = ProgramEnd.UNKNOWN

    def of_knob(self, knob: str) -> tuple[Part, ...]:
        """Return the parts that a knob would reach."""
        return tuple(part for part in self.parts if part.knob == knob)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedMetric:
    """A series that a program reported: the number of its values, and the last one.

    `bad_from` is the step from which on all values are NaN or infinite, None if the last is finite.
    """

    name: str
    values: int
    last: float | None = None
    bad_from: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryReport:
    """The inventory of a program, with the series that it reported. `message` says how it failed, if it did."""

    inventory: Inventory = Inventory()
    metrics: tuple[ReportedMetric, ...] = ()
    message: str = ""

    def named(self, name: str) -> ReportedMetric | None:
        """Return the series of this name, None if the program did not report it."""
        return next((metric for metric in self.metrics if metric.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A change of a program's files that is shown to the user, never applied.

    `diff` is a unified diff, empty if nothing could be suggested; `left` are the parts that it leaves to the user.
    """

    diff: str
    left: tuple[Part, ...]
