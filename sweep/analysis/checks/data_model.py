"""Checks of data and model together: whether a batch passes through the model, and whether it reads its input."""

from collections.abc import Iterator

from sweep.domain.data_check import DataCheck
from sweep.domain.data_figures import (
    DataFindings,
    FailedModel,
    InputReading,
    Inputs,
    ModelFigures,
    NumberInputs,
    RefusedBatch,
    SetFigures,
)
from sweep.domain.plural import figure_text

UNCHANGED = 1e-6
"""A relative change of the output below this is a rounding error."""
GAIN = 0.01
"""The loss of a model that reads its input is at least this share lower than with the input zeroed."""


def model_checks(found: DataFindings, train: SetFigures) -> Iterator[DataCheck]:
    """Yield the checks that need the task's model; `train` is the training set of `found`."""
    batch, reads = "batch through the model", "model reads its input"
    if found.model is None or train.inputs is None:
        why = "the inputs are not a single array" if found.has_model else "the task has no model(cfg)"
        advice = "" if found.has_model else "add a function model(cfg) that returns the network"
        yield DataCheck.skipped(batch, why, advice)
        yield DataCheck.skipped(reads, why)
        return
    yield _batch(batch, found.model, train.inputs)
    if found.reads_input is None:
        yield DataCheck.skipped(reads, "no batch passes through the model")
    else:
        yield _reads(reads, found.reads_input, train)


def _batch(name: str, model: ModelFigures, inputs: Inputs) -> DataCheck:
    allowed = "model(cfg) accepts a batch of data(cfg)"
    if isinstance(model, FailedModel):
        return DataCheck.broken(name, f"model(cfg) fails: {model.error}", allowed, "fix model(cfg)")
    if isinstance(model, RefusedBatch):
        return _refused(name, model, inputs, allowed)
    said = f"{list(model.batch)} gives {list(model.output)}"
    has_bad = isinstance(inputs, NumberInputs) and bool(inputs.bad_rows)
    if model.is_finite is False and not has_bad:
        advice = "check the initial weights"
        return DataCheck.broken(name, f"{said}, with NaN or infinite values in it", allowed, advice)
    return DataCheck.ok(name, said, allowed)


def _refused(name: str, model: RefusedBatch, inputs: Inputs, allowed: str) -> DataCheck:
    fault, shape = model.fault, list(model.batch)
    where = f"layer {fault.layer} ({fault.type_name})" if fault.layer else "the model"
    if not fault.expects:
        said = f"{where} fails on a batch of shape {shape}: {fault.message}"
        return DataCheck.broken(name, said, allowed, "fix the model")
    said = f"{where} expects {fault.expects} (given {list(fault.given)}, from a batch of shape {shape})"
    is_last = isinstance(inputs, NumberInputs) and inputs.layout == "NHWC"
    is_turned = is_last and fault.expects.startswith(f"{shape[-1]} channel")
    advice = "move channels to the front: x.transpose([0, 3, 1, 2])" if is_turned else "make data and model match"
    return DataCheck.broken(name, said, allowed, advice)


def _reads(name: str, reads: InputReading, train: SetFigures) -> DataCheck:
    allowed = "output and loss change when the input is zeroed"
    inputs, trained = train.inputs, reads.trained
    if isinstance(inputs, NumberInputs) and inputs.zero_rows == train.read:
        return DataCheck.skipped(name, "the inputs are all zero")
    if reads.untrained is None:
        return DataCheck.skipped(name, "the output is not a tensor of finite numbers")
    after = trained.output_change if trained else None
    if trained and after is not None and max(reads.untrained, after) < UNCHANGED:
        return DataCheck.broken(
            name,
            f"the output is the same with the input zeroed, before and after {trained.steps} steps of training",
            allowed,
            "find what cuts off the input in the model",
        )
    if trained is None:
        why = reads.not_trained or "not trained"
        if reads.untrained < UNCHANGED:
            return DataCheck.warning(
                name, f"the untrained output is the same with the input zeroed; not trained ({why})", allowed, ""
            )
        return DataCheck.ok(
            name, f"the untrained output changes by {reads.untrained:.0%}; not trained ({why})", allowed
        )
    if trained.loss is None or trained.loss_zeroed is None:
        return DataCheck.skipped(name, f"the loss is not finite after {trained.steps} steps of Adam")
    said = (
        f"after {trained.steps} steps on {trained.samples:,} samples "
        f"the loss is {figure_text(trained.loss, 3)} on inputs as they are, "
        f"{figure_text(trained.loss_zeroed, 3)} on zeroed ones"
    )
    if trained.loss_zeroed - trained.loss < GAIN * abs(trained.loss_zeroed):
        return DataCheck.warning(
            name, said, allowed, "check whether the model can learn at all: python -m sweep +check=overfit"
        )
    return DataCheck.ok(name, said, allowed)
