"""What the data check measures of the sets that a task trains on: one object, the run's findings (docs/checks.md).

Numbers are finite; None stands for one that cannot be known. A set has up to three parts, each of which may be missing:
its inputs, its labels, and what a batch of it does in the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sweep.domain.enums import StrEnum
from sweep.domain.json_form import KEY, OPTIONAL

Shape: TypeAlias = tuple[int, ...]


class LabelKind(StrEnum):
    """What the labels of a set are."""

    CLASSES = "classes"  # one whole number a sample, or one-hot
    VALUES = "values"  # targets of a regression
    OTHER = "other"  # several a sample (dense labels), or no numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantParts:
    """What never changes over the samples: `count` of `of` features, channels or enclosed pixels, some by name."""

    what: str  # "feature", "channel" or "pixel"
    count: int
    of: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpread:
    """The smallest and the largest standard deviation of a table's features that change; `at`: the largest's number."""

    low: float
    high: float
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherInputs:
    """Inputs that are no numbers: the shape of a sample and the type."""

    shape: Shape
    dtype: str
    is_numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberInputs(OtherInputs):
    """Inputs that are numbers. Those that are not finite are counted, and left out of the other figures.

    `layout` is that of a sample (sweep.picture); `first_bad_row` is one of those read. `min` to `std` are None without
    a finite value; `feature_std` is of tables alone.
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
    """Labels that are no numbers: the shape of a sample's and the type."""

    shape: Shape
    dtype: str
    kind: LabelKind
    is_numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLabels(OtherLabels):
    """Labels that are numbers, `bad` of them not finite and left out of the other figures."""

    is_numeric: bool = True
    is_integer: bool
    bad: int
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLabels(NumberLabels):
    """Labels that are classes: `fractional` of them no whole numbers; `counts` of the first classes, by their text."""

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
    """A set of which `read` samples of `total` (None: not known) were read.

    `problem` says why its inputs are no one array, empty if they are; `inputs` is None then. `labels` is None if there
    is no one array of them.
    """

    type_name: str = field(metadata={KEY: "type"})
    total: int | None
    read: int
    problem: str = ""
    inputs: Inputs | None = field(default=None, metadata={OPTIONAL: True})
    labels: Labels | None = field(default=None, metadata={OPTIONAL: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCount:
    """The number of labels that are to be ignored, `of` all labels of the set."""

    count: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredLabel:
    """The label that stands for "ignored", and the key that names it (None: none does, it was recognised)."""

    label: int
    key: str | None = None
    train: LabelCount | None = field(default=None, metadata={OPTIONAL: True})
    val: LabelCount | None = field(default=None, metadata={OPTIONAL: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFault:
    """A layer that does not take its input: its name and type, the shape `given`, what it expects and what it says.

    `layer` and `type_name` are empty if it is the model itself, `expects` if it is not known.
    """

    layer: str
    type_name: str = field(metadata={KEY: "type"})
    given: Shape
    expects: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedModel:
    """A model that could not be made, and why."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedBatch:
    """A batch (its shape) that does not go through the model."""

    batch: Shape
    fault: LayerFault


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedBatch:
    """A batch (its shape) that goes through the model, with the shapes of the output and of the batch's labels.

    `units` is the number of outputs for one label, `is_finite` whether all are finite; None if not known.
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
    """Inputs that occur more than once in the training set: `distinct` of `train`, some `contradicting` in labels."""

    train: int
    distinct: int
    contradicting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap(Repeats):
    """The same, with the inputs of the validation set that are `shared` with the training set.

    `comparable`: both have one shape and type. `is_same`: one set is the other.
    """

    val: int
    comparable: bool
    shared: int
    is_same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOrder:
    """How often the class changes from a row to the next, and how often it would in random order (`expected`).

    `runs` are stretches of one class, of `n` rows with a label and `classes`.
    """

    n: int
    classes: int
    runs: int
    changes: int
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedRows:
    """The stretch of rows, and the move of its labels, after which most neighbours agree.

    Agreement of the pairs that touch the stretch `before` and `after`; of those that touch the `rest`, with only the
    stretch moved, and with everything moved (`rest_moved`). `rows` are the first and the last.
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
    """The stretch of rows that agrees least with the rest, of those whose labels are distributed as the rest's.

    Agreement `across` its border, `within` (None: no pairs) and `outside`, and by `chance`; the number of samples
    behind each.
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
    """How far a sample's nearest neighbours share its label (docs/checks.md).

    `agreement` of `n` training samples, by `chance` with standard error `error`; `shifted` the same with labels moved
    by so many rows. `along_rows` is None with too few samples, and in findings of versions that did not measure it.
    `val`, `val_plus` and `val_minus`: `val_n` validation samples with their nearest training samples, as they are and
    with one added to, or taken from, their labels (classes alone).
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
    """What a few steps on some samples made of the model.

    The loss before (`first_loss`), after, and after with zeroed inputs; by how much the output then changes. With a
    validation set: `skill` on it (accuracy or correlation), that of a guess (`chance`) with its standard error.
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
    """By how much the output changes if the input is zeroed, `untrained` (None: unknown) and after a brief training.

    `not_trained` says why there was none.
    """

    untrained: float | None = None
    trained: BriefTraining | None = field(default=None, metadata={OPTIONAL: True})
    not_trained: str = field(default="", metadata={OPTIONAL: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFindings:
    """All that a run of the data check found. `files` says why data(cfg) gave no sets, None if it did."""

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

    def readable(self) -> "Mapping[str, SetFigures]":
        """Return the sets that could be read, by their names `train` and `val`."""
        sets = {"train": self.train, "val": self.val}
        return {name: part for name, part in sets.items() if isinstance(part, SetFigures)}
