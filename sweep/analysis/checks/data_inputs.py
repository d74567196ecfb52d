"""Checks of inputs: shape, type, scale, constant features, and overlap of both sets."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from sweep.domain.checked import CheckContext
from sweep.domain.data_check import DataCheck
from sweep.domain.data_figures import (
    DataFindings,
    FeatureSpread,
    Inputs,
    NumberInputs,
    Overlap,
    Repeats,
    SetFigures,
    UnreadableSet,
)

Sets: TypeAlias = Mapping[str, SetFigures]

SETS = {"train": "training", "val": "validation"}
BYTE_MAX = 255.0
PIXELS = ("NCHW", "NHWC", "HW", "pixels")
SCALE_FACTOR = 5.0
"""Training and validation inputs differ in scale if their standard deviations differ by more than this factor."""
MOST = 0.5
"""An overlap of at least this share of the validation set is no accident."""
HARDLY = 1e-3


def input_checks(found: DataFindings, context: CheckContext) -> Iterator[DataCheck]:
    """Yield the checks of inputs, in the order of the table."""
    check, sets = context.check, found.readable()
    yield _readable(found, sets)
    inputs = {name: part.inputs for name, part in sets.items() if part.inputs is not None}
    if "train" not in inputs:
        return
    yield _shape(inputs["train"], inputs.get("val", inputs["train"]))
    measured = {name: figures for name, figures in inputs.items() if isinstance(figures, NumberInputs)}
    if len(measured) < len(inputs):
        return
    yield _finite(measured)
    yield _scale(measured["train"], context)
    yield _zero(sets, measured, check.number("blank"))
    yield _constant(measured["train"])
    yield _val_scale(measured["train"], measured.get("val"))
    if found.overlap is not None:
        yield from _overlap(found.overlap, sets, check.number("overlap"))


def _readable(found: DataFindings, sets: Sets) -> DataCheck:
    name, allowed = "samples", "every sample can be read"
    for part, unread in (("train", found.train), ("val", found.val)):
        if isinstance(unread, UnreadableSet):
            return DataCheck.broken(
                name, f"{SETS[part]} set ({unread.type_name}): {unread.unreadable}", allowed, "fix data(cfg)"
            )
    for part, figures in sets.items():
        if figures.problem:
            why = f"{SETS[part]} set ({figures.type_name}): {figures.problem}"
            return DataCheck.skipped(name, why, "inputs are checked only if all have one shape")
    said = "; ".join(
        f"{SETS[part]}: {figures.read:,} of {_total(figures)} read ({figures.type_name})"
        for part, figures in sets.items()
    )
    return DataCheck.ok(name, said, allowed)


def _total(figures: SetFigures) -> str:
    return "an unknown number" if figures.total is None else f"{figures.total:,}"


def _shape(train: Inputs, val: Inputs) -> DataCheck:
    name, allowed = "shape and type", "numbers, of one shape and type in both sets"
    said = f"{list(train.shape)} {train.dtype}"
    if not train.is_numeric:
        return DataCheck.broken(
            name, f"inputs are {train.dtype}, not numbers", allowed, "return numbers from data(cfg)"
        )
    if val.shape != train.shape:
        return DataCheck.broken(
            name,
            f"training inputs are {list(train.shape)}, validation inputs {list(val.shape)}",
            allowed,
            "make them the same",
        )
    if val.dtype != train.dtype:
        return DataCheck.warning(
            name, f"training inputs are {train.dtype}, validation inputs {val.dtype}", allowed, "make them the same"
        )
    if train.dtype == "float64":
        return DataCheck.warning(
            name,
            f"{said}: Paddle's layers are float32 and refuse float64",
            "float32, or integers",
            "x.astype('float32'), unless train() does it",
        )
    return DataCheck.ok(name, said, allowed)


def _finite(measured: Mapping[str, NumberInputs]) -> DataCheck:
    name, allowed = "NaN and infinity", "none"
    for part, figures in measured.items():
        if figures.bad_rows:
            counts = ((figures.nan, "NaN"), (figures.infinite, "infinite"))
            kinds = [f"{count:,} {word}" for count, word in counts if count]
            return DataCheck.broken(
                name,
                f"{SETS[part]} inputs hold {' and '.join(kinds)} values, in {figures.bad_rows:,} samples, "
                f"first in sample {figures.first_bad_row} of those read",
                allowed,
                "fill in or leave out what is missing",
            )
    return DataCheck.ok(name, "none", allowed)


def _scale(train: NumberInputs, context: CheckContext) -> DataCheck:
    name, task = "input scale", context.task
    limit, spread = context.check.number("input_limit"), context.check.number("feature_spread")
    if train.min is None or train.max is None or train.mean is None or train.std is None:
        return DataCheck.skipped(name, "there is no finite value")
    low, high, mean, deviation = map(_number, (train.min, train.max, train.mean, train.std))
    said = f"{low} to {high}, mean {mean}, std {deviation}"
    if train.layout == "tokens":
        return DataCheck.skipped(name, f"whole numbers, {said}: treated as indices")
    largest = max(abs(train.min), abs(train.max))
    allowed = f"about unit scale: no value beyond {limit:g}"
    if train.layout in PIXELS:
        is_bytes = train.min >= 0 and BYTE_MAX / 2 < train.max <= BYTE_MAX
        trouble = f"pixels are 0 to 255, not scaled ({said})" if is_bytes else f"pixels are {said}"
        advice = "x / 255, unless train() does it" if is_bytes else "scale pixels to 0 to 1"
    else:
        std = train.feature_std or FeatureSpread(low=train.std, high=train.std, at=0)
        largest = std.high
        allowed = f"features with a standard deviation of at most {limit:g}, at most {spread:g} times that of another"
        trouble = f"features differ in scale: standard deviations {_number(std.low)} to {_number(std.high)}"
        advice = "standardise each feature over the training set"
        said = f"{said}; standard deviations of features {_number(std.low)} to {_number(std.high)}"
        if 0 < std.low * spread < std.high:
            largest = max(largest, 2 * limit)
        trouble = f"{trouble} (the largest: feature {std.at})"
    if largest > limit and task.get("input_norm") is not None:
        return DataCheck.ok(
            name, f"{said}; the task scales inputs to unit scale (input_norm={task['input_norm']})", allowed
        )
    if largest > limit:
        return DataCheck.warning(name, trouble, allowed, advice)
    if 0 < train.std < HARDLY:
        return DataCheck.warning(name, f"values hardly differ: {said}", allowed, "standardise the inputs")
    return DataCheck.ok(name, said, allowed)


def _zero(sets: Sets, measured: Mapping[str, NumberInputs], blank: float) -> DataCheck:
    name, allowed = "empty inputs", f"at most {blank:.0%} of the samples are all zero, and not every input is the same"
    for part, figures in measured.items():
        read = sets[part].read
        if figures.zero_rows == read:
            return DataCheck.broken(
                name,
                f"all {SETS[part]} inputs are zero ({read:,} of {read:,})",
                allowed,
                "check where data(cfg) loses them",
            )
        if figures.is_one_input:
            return DataCheck.broken(name, f"all {read:,} {SETS[part]} inputs are the same", allowed, "fix data(cfg)")
    for part, figures in measured.items():
        if figures.zero_rows > blank * sets[part].read:
            count = f"{figures.zero_rows:,} of {sets[part].read:,}"
            return DataCheck.warning(
                name, f"{count} {SETS[part]} inputs are all zero", allowed, "leave them out, or find out why"
            )
    return DataCheck.ok(name, "none", allowed)


def _constant(train: NumberInputs) -> DataCheck:
    name, constant = "constant features", train.constant
    allowed = (
        "every feature changes"
        if constant.what == "feature"
        else ("every channel changes, and every pixel except a background that reaches the edge")
    )
    if train.is_one_input or train.min is None:
        return DataCheck.skipped(name, "all inputs are the same")
    if not constant.count:
        return DataCheck.ok(name, "none", allowed)
    names = ", ".join(constant.names) + (", ..." if constant.count > len(constant.names) else "")
    count = f"{constant.count:,} of {constant.of:,} {constant.what}s never change"
    return DataCheck.warning(
        name, f"{count}: {constant.what} {names}", allowed, "leave them out, or find where their values get lost"
    )


def _val_scale(train: NumberInputs, val: NumberInputs | None) -> DataCheck:
    name, allowed = "validation scale", f"standard deviations within a factor of {SCALE_FACTOR:g}"
    if val is None:
        return DataCheck.skipped(name, "data(cfg) returns no validation set")
    if not train.std or not val.std:
        return DataCheck.skipped(name, "inputs do not change")
    said = f"standard deviation {_number(train.std)} in training, {_number(val.std)} in validation"
    if max(train.std / val.std, val.std / train.std) > SCALE_FACTOR:
        return DataCheck.broken(name, said, allowed, "scale both sets alike, with the statistics of the training set")
    return DataCheck.ok(name, said, allowed)


def _overlap(overlap: Overlap | Repeats, sets: Sets, share_allowed: float) -> Iterator[DataCheck]:
    name = "overlap"
    allowed = f"at most {share_allowed:.0%} of the validation samples are training samples, too"
    if not isinstance(overlap, Overlap):
        yield DataCheck.skipped(name, "data(cfg) returns no validation set", "return (train_set, val_set)")
    elif not overlap.comparable:
        yield DataCheck.skipped(name, "the sets differ in shape or type")
    else:
        yield _shared(name, allowed, overlap, sets, share_allowed)
    if overlap.contradicting:
        yield DataCheck.warning(
            "repeated samples",
            f"{overlap.contradicting:,} inputs occur more than once, under different labels",
            "one label per input",
            "look at these samples",
        )
    else:
        repeated = overlap.train - overlap.distinct
        yield DataCheck.ok("repeated samples", f"{repeated:,} repeated, none under different labels")


def _shared(name: str, allowed: str, overlap: Overlap, sets: Sets, share_allowed: float) -> DataCheck:
    share = overlap.shared / max(overlap.val, 1)
    of = " (of those read)" if any(figures.read != figures.total for figures in sets.values()) else ""
    said = f"{overlap.shared:,} of {overlap.val:,} validation samples are training samples, too{of}"
    advice = "split again: a sample belongs to one set only"
    if overlap.is_same:
        return DataCheck.broken(name, f"the validation set is the training set{of}", allowed, advice)
    # A table with few distinct rows naturally repeats itself.
    if share >= MOST and overlap.distinct >= MOST * overlap.train:
        return DataCheck.broken(name, said, allowed, advice)
    if share > share_allowed:
        return DataCheck.warning(name, said, allowed, advice)
    return DataCheck.ok(name, said, allowed)


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1e4 else f"{value:,.0f}"
