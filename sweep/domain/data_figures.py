"""What the data check measures about a task's training and validation data: one object, its findings (docs/checks.md).

Numbers are finite; None stands for an unknown one. A set has up to three parts, each of which may be missing: its
inputs, its labels, and what a batch of it does in the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sweep.domain.enums import StrEnum
from sweep.domain.json_form import KEY, OPTIONAL

Shape: TypeAlias = tuple[int, ...]


class LabelKind(StrEnum):
    """What the labels of a set are."""

    CLASSES = "classes"  # one integer per sample, or one-hot
    VALUES = "values"  # regression targets
    OTHER = "other"  # several per sample (dense labels), or not numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantParts:
    """What is constant over the samples: `count` of `of` features, channels or enclosed pixels, some by name."""

    what: str  # "feature", "channel" or "pixel"
    count: int
    of: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpread:
    """The smallest and the largest standard deviation of a table's varying features; `at` is the index of the
    largest."""

    low: float
    high: float
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherInputs:
    """Inputs that are not numbers: the shape of a sample and the type."""

    shape: Shape
    dtype: str
    is_numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberInputs(OtherInputs):
    """Inputs that are numbers. Values that are not finite are counted, and left out of the other figures.

    `layout` is that of a sample (sweep.picture); `first_bad_row` is among the rows read. `min` to `std` are None
    without a finite value; `feature_std` is for tables only.
    """

    is_numeric: bool = True
    layout: str
    nan: int
    infinite: int
    bad_rows: int
    first_bad_row: int | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    is_whole: bool = False
    zero_rows: int
    is_one_input: bool
    constant: ConstantParts
    feature_std: FeatureSpread | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLabels:
    """Labels that are not numbers: the shape of a sample's label and the type."""

    shape: Shape
    dtype: str
    kind: LabelKind
    is_numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLabels(OtherLabels):
    """Labels that are numbers; `bad` of them are not finite and left out of the other figures."""

    is_numeric: bool = True
    is_integer: bool
    bad: int
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLabels(NumberLabels):
    """Labels that are classes: `fractional` of them are not integers; `counts` of the first classes, by their text."""

    fractional: int
    first_fractional: float | None = None
    distinct: int
    counts: Mapping[str, int] = field(hash=False)


Inputs: TypeAlias = NumberInputs | OtherInputs
Labels: TypeAlias = ClassLabels | NumberLabels | OtherLabels


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableSet:
    """A set that could not be read: its type, and why."""

    type_name: str = field(metadata={KEY: "type"})
    unreadable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFigures:
    """A set; `read` samples of `total` (None: unknown) were read.

    `problem` says why its inputs are not a single array, empty if they are; `inputs` is None then. `labels` is None if
    they are not a single array.
    """

    type_name: str = field(metadata={KEY: "type"})
    total: int | None
    read: int
    problem: str = ""
    inputs: Inputs | None = field(default=None, metadata={OPTIONAL: True})
    labels: Labels | None = field(default=None, metadata={OPTIONAL: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCount:
    """The number of labels to ignore, `of` all labels of the set."""

    count: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredLabel:
    """The label that means "ignored", and the key that names it (None: it was recognised)."""

    label: int
    key: str | None = None
    train: LabelCount | None = field(default=None, metadata={OPTIONAL: True})
    val: LabelCount | None = field(default=None, metadata={OPTIONAL: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFault:
    """A layer that rejects its input: its name and type, the shape `given`, the shape it expects and its message.

    `layer` and `type_name` are empty if it is the model itself, `expects` if it is not known.
    """

    layer: str
    type_name: str = field(metadata={KEY: "type"})
    given: Shape
    expects: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedModel:
    """A model that could not be created, and why."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedBatch:
    """A batch (its shape) that the model rejects."""

    batch: Shape
    fault: LayerFault


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedBatch:
    """A batch (its shape) that passes through the model, with the shapes of the output and of the batch's labels.

    `units` is the number of outputs per label, `is_finite` whether all are finite; None if unknown.
    """

    batch: Shape
    fault: None = None
    output: Shape
    units: int | None = None
    is_finite: bool | None = None
    labels: Shape | None = None


ModelFigures: TypeAlias = PassedBatch | RefusedBatch | FailedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Repeated inputs in the training set: `distinct` of `train`, some of them `contradicting` in labels."""

    train: int
    distinct: int
    contradicting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap(Repeats):
    """Likewise, with the inputs of the validation set that are `shared` with the training set.

    `comparable`: both have the same shape and type. `is_same`: both are the same set.
    """

    val: int
    comparable: bool
    shared: int
    is_same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOrder:
    """How often the class changes between consecutive rows, and how often it would in random order (`expected`).

    `runs` is the number of stretches of one class, among `n` labelled rows and `classes`.
    """

    n: int
    classes: int
    runs: int
    changes: int
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedRows:
    """The stretch of rows, and the shift of its labels, after which most neighbours agree.

    Agreement of the pairs that touch the stretch `before` and `after` the shift; of those that touch the `rest`, with
    only the stretch shifted, and with everything shifted (`rest_moved`). `rows` are the first and the last.
    """

    rows: tuple[int, int]
    samples: int
    rest_samples: int
    move: int
    before: float
    after: float
    rest: float
    rest_moved: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsApart:
    """The stretch of rows that agrees least with the rest, among those with the label distribution of the rest.

    Agreement `across` its border, `within` (None: no pairs) and `outside`, and by `chance`; with the number of samples
    of each.
    """

    rows: tuple[int, int]
    samples: int
    across_samples: float
    outside_samples: float
    across: float
    within: float | None = None
    outside: float
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlongRows:
    """What stands out along the rows of the training set; `apart` is None if no stretch can be compared."""

    moved: MovedRows
    apart: RowsApart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourFigures:
    """How often a sample's nearest neighbours share its label (docs/checks.md).

    `agreement` of `n` training samples, by `chance` with standard error `error`; `shifted` the same with labels shifted
    by a number of rows. `along_rows` is None with too few samples, and in findings of versions that did not measure it.
    `val`, `val_plus` and `val_minus`: `val_n` validation samples with their nearest training samples, with labels
    unchanged, plus one, and minus one (classes only).
    """

    n: int
    kind: LabelKind
    agreement: float
    chance: float
    error: float
    shifted: Mapping[str, float] = field(hash=False)
    along_rows: AlongRows | None = None
    val_n: int | None = field(default=None, metadata={OPTIONAL: True})
    val: float | None = field(default=None, metadata={OPTIONAL: True})
    val_plus: float | None = field(default=None, metadata={OPTIONAL: True})
    val_minus: float | None = field(default=None, metadata={OPTIONAL: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefTraining:
    """The effect of a few training steps on some samples.

    The loss before (`first_loss`), after, and after with zeroed inputs; how much the output then changes. With a
    validation set: `skill` on it (accuracy or correlation), and that of a guess (`chance`) with its standard error.
    """

    steps: int
    samples: int
    first_loss: float | None = None
    loss: float | None = None
    loss_zeroed: float | None = None
    output_change: float | None = None
    skill: float | None = field(default=None, metadata={OPTIONAL: True})
    chance: float | None = field(default=None, metadata={OPTIONAL: True})
    error: float | None = field(default=None, metadata={OPTIONAL: True})
    val_samples: int | None = field(default=None, metadata={OPTIONAL: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class InputReading:
    """How much the output changes if the input is zeroed, `untrained` (None: unknown) and after a brief training.

    `not_trained` says why there was no training.
    """

    untrained: float | None = None
    trained: BriefTraining | None = field(default=None, metadata={OPTIONAL: True})
    not_trained: str = field(default="", metadata={OPTIONAL: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFindings:
    """Findings of a run of the data check. `files` says why data(cfg) gave no sets, None if it did.

    Of a script, `seen_steps` is the number of steps of its training that were watched, and `not_seen` says why they
    showed no data.
    """

    has_data: bool
    has_model: bool
    files: str | None = None
    model: ModelFigures | None = None
    ignored: IgnoredLabel | None = None
    train: SetFigures | UnreadableSet | None = field(default=None, metadata={OPTIONAL: True})
    val: SetFigures | UnreadableSet | None = field(default=None, metadata={OPTIONAL: True})
    picture: str | None = field(default=None, metadata={OPTIONAL: True})
    no_picture: str | None = field(default=None, metadata={OPTIONAL: True})
    overlap: Overlap | Repeats | None = field(default=None, metadata={OPTIONAL: True})
    order: RowOrder | None = None
    neighbours: NeighbourFigures | None = None
    reads_input: InputReading | None = field(default=None, metadata={OPTIONAL: True})
    seen_steps: int | None = field(default=None, metadata={OPTIONAL: True})
    not_seen: str = field(default="", metadata={OPTIONAL: True})

    def readable(self) -> "Mapping[str, SetFigures]":
        """Return the sets that could be read, by their names `train` and `val`."""
        sets = {"train": self.train, "val": self.val}
        return {name: part for name, part in sets.items() if isinstance(part, SetFigures)}
