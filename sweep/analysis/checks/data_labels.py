"""Checks of labels: their type, range and balance, and whether they match the inputs."""

from collections.abc import Iterator, Mapping

from sweep.analysis.checks.data_rows import row_checks
from sweep.domain.checked import CheckContext
from sweep.domain.data_check import DataCheck
from sweep.domain.data_figures import (
    BriefTraining,
    ClassLabels,
    DataFindings,
    IgnoredLabel,
    LabelKind,
    Labels,
    NeighbourFigures,
    NumberLabels,
    PassedBatch,
    RowOrder,
    SetFigures,
)

NOTHING = 3.0
"""An agreement up to this many standard errors above chance counts as chance."""
CLEAR = 8.0
"""An agreement more than this many standard errors above chance is real."""
FEW_CHANGES = 0.1
"""Rows are class by class if the class changes at most at this share of the places expected in random order."""
LEAST_CHANGES = 20.0
"""Changes of class expected in random order, below which the order of rows is not checked."""
LEFT = 0.1
"""Shifted labels agree with inputs at most by this share of what they do after shifting back."""
SEVERAL = 0.5
"""If a second shift gains this share, rows follow each other in time. A series to be forecast, whose labels do not yet
follow from its inputs, looks like this without any fault (14 % of such sets; docs/checks.md)."""
FEWEST = 100
"""Fewest samples with which labels and inputs are checked together."""


def label_checks(found: DataFindings, train: SetFigures, context: CheckContext) -> Iterator[DataCheck]:
    """Yield the checks of labels, in the order of the table; `train` is the training set of `found`."""
    labels, val = train.labels, found.readable().get("val")
    if labels is None:
        yield DataCheck.skipped("label type", "no labels with one common shape were found")
        return
    passed = found.model if isinstance(found.model, PassedBatch) else None
    units = None if passed is None else passed.units
    yield _type(labels, passed)
    if not isinstance(labels, NumberLabels):
        return
    if found.ignored is not None:
        yield _ignored(found.ignored, units)
    if isinstance(labels, ClassLabels):
        yield _range(labels, None if val is None else val.labels, units)
        yield _balance(labels, context.check.number("imbalance"))
        if found.order is not None:
            yield _order(found.order, context.task)
    elif labels.kind is LabelKind.VALUES:
        yield _target_scale(labels, context)
    elif labels.is_integer and passed is not None and units is not None and len(passed.output) > 2:
        yield _dense_range(labels, units)
    else:
        why = f"labels are {list(labels.shape)} {labels.dtype}: not one number per sample"
        yield DataCheck.skipped("label range", why)
    yield from agreement_checks(found)


def _type(labels: Labels, passed: PassedBatch | None) -> DataCheck:
    name, said = "label type", f"{list(labels.shape) or 'one number'} {labels.dtype}"
    if not isinstance(labels, NumberLabels):
        why = f"labels are {labels.dtype}, not numbers"
        return DataCheck.broken(name, why, "numbers", "number the classes from 0")
    if labels.bad:
        return DataCheck.broken(name, f"{labels.bad:,} labels are NaN or infinite", "none", "leave these samples out")
    if labels.kind is LabelKind.VALUES:
        return _target_type(name, said, labels, passed)
    if not isinstance(labels, ClassLabels):
        return DataCheck.ok(name, said)
    allowed = "integers"
    if labels.fractional:
        return DataCheck.broken(
            name,
            f"{labels.fractional:,} class labels are not whole numbers, such as {labels.first_fractional:g}",
            allowed,
            "number the classes from 0",
        )
    if not labels.is_integer and not labels.shape and ((passed and passed.units) or 2) > 1:
        return DataCheck.warning(
            name, f"class labels are {labels.dtype}; cross entropy expects integers", allowed, "y.astype('int64')"
        )
    return DataCheck.ok(name, f"classes, {said}", allowed)


def _target_type(name: str, said: str, labels: NumberLabels, passed: PassedBatch | None) -> DataCheck:
    output = [] if passed is None else list(passed.output)
    target = [] if passed is None else list(passed.labels or ())
    if output and target and len(output) != len(target) and output[1:] == [1]:
        return DataCheck.warning(
            name,
            f"targets are {target}, the model's output {output}: a loss compares every target with every output",
            "the output's shape",
            "y.reshape([-1, 1]), unless train() does it",
        )
    if labels.is_integer:
        return DataCheck.warning(
            name, f"targets are {labels.dtype}", "float32, as the model's output", "y.astype('float32')"
        )
    return DataCheck.ok(name, f"targets of a regression, {said}")


def _range(labels: ClassLabels, val: Labels | None, units: int | None) -> DataCheck:
    name, held_out = "label range", val if isinstance(val, ClassLabels) else None
    sets = [("training", labels)] + ([] if held_out is None else [("validation", held_out)])
    places = max(units, 2) if units else None
    allowed = (
        f"0 to {places - 1}: the model's head has {units} unit{'' if units == 1 else 's'}" if places else "0 and up"
    )
    if units == 1 and set(labels.counts) == {"-1", "1"}:
        return DataCheck.ok(name, "-1 and 1", allowed)
    for part, figures in sets:
        if figures.min is None or figures.max is None:
            return DataCheck.skipped(name, f"no {part} label is a finite number")
        low, high = figures.min, figures.max
        if low < 0 or (places and high >= places):
            said, advice = _out_of_range(part, figures, low, high, places)
            return DataCheck.broken(name, said, allowed, advice)
    said = f"{labels.min:g} to {labels.max:g}, {labels.distinct:,} classes"
    new = [] if held_out is None else [label for label in held_out.counts if label not in labels.counts]
    if new and len(labels.counts) < 1000:
        return DataCheck.warning(name, f"{said}; in the validation set only: {_few(new)}", allowed, "split again")
    missing = _missing(labels, places)
    if missing:
        first = " (labels begin at 1)" if labels.min == 1 else ""
        return DataCheck.warning(
            name,
            f"{said}; missing from the training set: {_few(missing)}{first}",
            allowed,
            "check whether the head is too large",
        )
    return DataCheck.ok(name, said, allowed)


def _out_of_range(part: str, labels: ClassLabels, low: float, high: float, places: int | None) -> tuple[str, str]:
    """Return what was found, and what to do."""
    said = f"{part} labels run from {low:g} to {high:g}"
    if places and low == 1 and high == places:
        return f"{said}: they are shifted by one, the head counts from 0", "y - 1, unless train() does it"
    if low == -1 and (places is None or high == places - 2):
        return f"{said}: they are shifted by one, the head counts from 0", "y + 1, unless train() does it"
    outside = {
        label: count
        for label, count in labels.counts.items()
        if float(label) < 0 or (places is not None and float(label) >= places)
    }
    total = sum(outside.values())
    key = f"; if the loss ignores these, name them: probe.ignore_label={next(iter(outside))}"
    return (
        f"{total:,} {part} label{'' if total == 1 else 's'} out of range: {_few(list(outside))}",
        f"number the classes from 0, or give the head a unit for each{key if len(outside) == 1 else ''}",
    )


def _missing(labels: ClassLabels, places: int | None) -> list[str]:
    """Return the classes that no label has, up to the head's size or the largest label."""
    size = places or int(labels.max or 0) + 1
    return [] if size > 1000 else [str(i) for i in range(size) if str(i) not in labels.counts]


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _dense_range(labels: NumberLabels, units: int) -> DataCheck:
    name, allowed = "label range", f"0 to {units - 1}: the model has {units} outputs for each label"
    if labels.min is None or labels.max is None:
        return DataCheck.skipped(name, "every label is ignored")
    said = f"{labels.min:g} to {labels.max:g}"
    if labels.min < 0 or labels.max >= units:
        advice = "number the classes from 0; if the loss ignores one value, name it: probe.ignore_label=NUMBER"
        return DataCheck.broken(name, said, allowed, advice)
    return DataCheck.ok(name, said, allowed)


def _ignored(ignored: IgnoredLabel, units: int | None) -> DataCheck:
    """Return the check of the label that means "ignored": a warning unless the key names it."""
    name, label, key = "ignored labels", ignored.label, f"probe.ignore_label={ignored.label}"
    counts = [
        f"{part.count:,} of {part.of:,} {words}"
        for part, words in ((ignored.train, "training"), (ignored.val, "validation"))
        if part is not None and part.count
    ]
    allowed = "labels that the loss and the metric ignore are named by probe.ignore_label or task.ignore_index"
    if not counts:
        return DataCheck.warning(
            name, f"no label is {label}", allowed, f"remove {key}, or find where these labels got lost"
        )
    said = f"{' and '.join(counts)} labels are {label}"
    if ignored.key:
        return DataCheck.ok(name, f"{said}, left out here ({ignored.key})", allowed)
    shifted = "; or all labels are one too small, if the model counts from 0" * (label == -1 and not units)
    return DataCheck.warning(
        name,
        f"{said}: treated as labels to ignore, and left out here{shifted}",
        allowed,
        f"make sure that the loss has ignore_index={label} and that the metric ignores them, then add {key}; "
        "if they are a mistake, correct the labels",
    )


def _order(order: RowOrder, task: Mapping[str, object]) -> DataCheck:
    """Return the check of rows that come class by class, from which training without shuffling cannot learn."""
    name, allowed = "order of rows", "classes are mixed along the rows, or the task shuffles them"
    if order.expected < LEAST_CHANGES:
        return DataCheck.skipped(name, "too few rows of different classes")
    if order.changes > FEW_CHANGES * order.expected:
        return DataCheck.ok(name, "classes are mixed along the rows", allowed)
    sorted_words = "sorted by class" if order.runs == order.classes else "class by class"
    said = f"rows are {sorted_words}, in {order.runs:,} blocks of one class each"
    shuffles = task.get("shuffle")
    if shuffles:
        return DataCheck.ok(name, f"{said}; the task shuffles them (shuffle={shuffles})", allowed)
    if shuffles is not None:
        return DataCheck.warning(name, f"{said}, and the task does not shuffle them", allowed, "task.shuffle=true")
    return DataCheck.warning(name, f"{said}: train() must shuffle them", allowed, "DataLoader(train_set, shuffle=True)")


def _balance(labels: ClassLabels, factor: float) -> DataCheck:
    name, allowed = "label balance", f"no class more than {factor:g} times as frequent as another"
    counts = sorted(labels.counts.items(), key=lambda pair: pair[1])
    if not counts:
        return DataCheck.skipped(name, "there are no labels")
    (rare, least), (common, most) = counts[0], counts[-1]
    if len(counts) == 1:
        return DataCheck.broken(
            name, f"every training label is {common}", "at least two classes", "check how labels are made"
        )
    said = f"class {common}: {most:,} samples, class {rare}: {least:,}"
    if most > factor * least:
        return DataCheck.warning(name, said, allowed, "weight the classes in the loss, or sample them evenly")
    return DataCheck.ok(name, said, allowed)


def _target_scale(labels: NumberLabels, context: CheckContext) -> DataCheck:
    name, task = "target scale", context.task
    low, high = context.check.number("target_low"), context.check.number("target_high")
    allowed = f"standard deviation from {low:g} to {high:g}, mean within 10 standard deviations of 0"
    if labels.std is None or labels.mean is None:
        return DataCheck.skipped(name, "there is no finite target")
    said = f"mean {labels.mean:.3g}, standard deviation {labels.std:.3g}"
    if not labels.std:
        return DataCheck.broken(name, f"every target is {labels.mean:g}", allowed, "check how targets are made")
    if low <= labels.std <= high and abs(labels.mean) <= 10 * labels.std:
        return DataCheck.ok(name, said, allowed)
    if task.get("target_norm") is not None:
        return DataCheck.ok(
            name, f"{said}; the task scales them to unit scale (target_norm={task['target_norm']})", allowed
        )
    return DataCheck.warning(
        name, said, allowed, "standardise targets over the training set, and scale predictions back"
    )


def agreement_checks(found: DataFindings) -> Iterator[DataCheck]:
    """Yield the checks of labels and inputs together: of all rows, along the rows, and of the validation set."""
    name, near = "labels and inputs", found.neighbours
    if near is None or near.n < FEWEST:
        yield DataCheck.skipped(name, f"needs {FEWEST} samples with a label or target each, and not all the same")
        return
    yield _train_agreement(name, near, None if found.reads_input is None else found.reads_input.trained)
    yield from row_checks(found, near)
    if near.val is not None and near.val_n is not None:
        yield _val_agreement("validation labels", near, near.val, near.val_n)


def _train_agreement(name: str, near: NeighbourFigures, trained: BriefTraining | None) -> DataCheck:
    allowed = "nearest neighbours agree on labels more often than by chance"
    said = _agreement_text(near.kind, near.agreement, near.chance)
    over = near.agreement - near.chance
    is_nothing = over <= NOTHING * near.error
    (move, moved), *others = sorted(near.shifted.items(), key=lambda pair: -pair[1])
    gain = moved - near.chance
    if gain > CLEAR * near.error and (is_nothing or over <= LEFT * gain):
        back = f"it (shifted back, {_agreement_text(near.kind, moved, near.chance)})"
        advice = "check where inputs and labels are combined"
        if others and others[0][1] - near.chance >= SEVERAL * gain:
            found = f"labels seem shifted by {_shift_text(int(move))} {back}; other shifts fit, too, as in a forecast"
            return DataCheck.warning(name, found, allowed, f"{advice}, unless the labels are future values")
        return DataCheck.broken(name, f"labels are shifted by {_shift_text(int(move))} {back}", allowed, advice)
    if not is_nothing:
        return DataCheck.ok(name, said, allowed)
    advice = "check that inputs and labels are in the same order, and look at the picture"
    if trained is None or trained.skill is None or trained.chance is None:
        return DataCheck.warning(name, f"labels look permuted: {said}", allowed, advice)
    learnt = f"a briefly trained model {_skill_text(near.kind, trained.skill, trained.chance)}"
    if trained.skill > trained.chance + NOTHING * (trained.error or 0.0):
        return DataCheck.ok(name, f"{said}, but {learnt}", allowed)
    return DataCheck.broken(name, f"labels look permuted: {said}, and {learnt}", allowed, advice)


def _shift_text(move: int) -> str:
    """Return by how many rows labels are shifted, if shifting them by `move` rows (np.roll) puts them right."""
    where = "after" if move > 0 else "before"
    if abs(move) == 1:
        return f"one row: each sample has the label of the one {where}"
    return f"{abs(move)} rows: each sample has the label of the one {abs(move)} rows {where}"


def _val_agreement(name: str, near: NeighbourFigures, agreement: float, n: int) -> DataCheck:
    allowed = "validation samples agree with their nearest training samples more often than by chance"
    error = near.error * (near.n / n) ** 0.5
    said = _agreement_text(near.kind, agreement, near.chance)
    shifted = ((near.val_plus, "one too small", "y + 1"), (near.val_minus, "one too large", "y - 1"))
    for moved, words, advice in shifted:
        if moved is not None and moved > max(agreement, near.chance) + CLEAR * error:
            return DataCheck.broken(
                name,
                f"validation labels are shifted by one compared with the training labels: {words} ({said})",
                allowed,
                advice,
            )
    is_seen = near.agreement > near.chance + CLEAR * near.error
    if is_seen and agreement <= near.chance + NOTHING * error:
        return DataCheck.broken(
            name,
            f"validation labels do not match the training labels: {said}, "
            f"while in training {_agreement_text(near.kind, near.agreement, near.chance)}",
            allowed,
            "check that both sets number the classes alike and keep inputs and labels in order",
        )
    return DataCheck.ok(name, said, allowed)


def _agreement_text(kind: LabelKind, agreement: float, chance: float) -> str:
    if kind is LabelKind.CLASSES:
        return f"nearest neighbours agree in {agreement:.0%} (chance {chance:.0%})"
    return f"targets correlate with their nearest neighbours' by {agreement:.2f} (chance 0)"


def _skill_text(kind: LabelKind, skill: float, chance: float) -> str:
    if kind is LabelKind.CLASSES:
        return f"is right on {skill:.0%} of the validation samples (a guess: {chance:.0%})"
    return f"predicts validation targets with a correlation of {skill:.2f}"
