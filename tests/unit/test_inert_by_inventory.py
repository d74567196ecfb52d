"""Which toggles would change nothing in a program, by its inventory."""

from dataclasses import replace

import pytest

from sweep.domain.inventory import Inventory, ProgramEnd
from sweep.domain.knobs import STANDARD_KNOBS
from sweep.domain.part import Part
from sweep.domain.reach import why_inert

BARE = Inventory(knobs=tuple(sorted(STANDARD_KNOBS)), steps=100, ended=ProgramEnd.OWN)


def having(*parts: tuple[str, float | str | None]) -> Inventory:
    return replace(BARE, parts=tuple(Part(knob=knob, what="x", value=value) for knob, value in parts))


INERT_IN_A_BARE_PROGRAM = [
    ("dropout", 0.0),
    ("weight_decay", 0.0),
    ("augmentation", False),
    ("init", "xavier"),
    ("scheduler", "constant"),
    ("clip", "none"),
    ("batch_scale", 4.0),
    ("shuffle", True),
    ("activation", "relu"),
    ("activation", "leaky_relu"),
    ("input_norm", "standardize"),
    ("target_norm", "standardize"),
    ("loss", "single_softmax"),
    ("loss", "mean"),
    ("adam_eps", 1e-4),
    ("amp", False),
]


@pytest.mark.parametrize(("knob", "value"), INERT_IN_A_BARE_PROGRAM)
def test_a_knob_without_parts_changes_nothing(knob, value):
    assert why_inert(knob, value, BARE)


@pytest.mark.parametrize(("knob", "value"), INERT_IN_A_BARE_PROGRAM)
def test_what_was_not_recorded_may_change(knob, value):
    others = tuple(name for name in BARE.knobs if name != knob)
    assert why_inert(knob, value, replace(BARE, knobs=others)) is None
    assert why_inert(knob, value, replace(BARE, steps=0)) is None
    assert why_inert(knob, value, replace(BARE, ended=ProgramEnd.CRASHED)) is None


@pytest.mark.parametrize(
    ("knob", "value"),
    [("clip", 1.0), ("scheduler", "cosine"), ("scheduler", "warmup"), ("lr_scale", 0.1), ("optimizer", "adam")],
)
def test_what_adds_something_is_never_inert(knob, value):
    assert why_inert(knob, value, BARE) is None


@pytest.mark.parametrize(
    ("knob", "value", "parts"),
    [
        ("dropout", 0.0, [("dropout", 0.0), ("dropout", 0.5)]),
        ("dropout", 0.0, [("dropout", None)]),
        ("weight_decay", 0.0, [("weight_decay", 5.0)]),
        ("weight_decay", 0.0, [("weight_decay", None)]),
        ("augmentation", False, [("augmentation", None)]),
        ("init", "kaiming", [("init", None)]),
        ("scheduler", "constant", [("scheduler", "StepDecay")]),
        ("clip", "none", [("clip", 1.0)]),
        ("optimizer", "adam", [("optimizer", "Adam"), ("lr_scale", 0.1)]),
        ("optimizer", "adam", [("optimizer", "SGD"), ("lr_scale", 1e-3)]),
        ("optimizer", "adam", [("optimizer", "Adam"), ("lr_scale", 1e-3), ("scheduler", "StepDecay")]),
        ("optimizer", "adam", [("optimizer", "Adam"), ("lr_scale", 1e-3), ("adam_eps", 1e-2)]),
        ("batch_scale", 4.0, [("batch_scale", 32)]),
        ("shuffle", True, [("shuffle", "on"), ("shuffle", "off")]),
        ("activation", "relu", [("activation", "tanh"), ("activation", "relu")]),
        ("activation", "leaky_relu", [("activation", "relu")]),
        ("loss", "single_softmax", [("loss", "softmax")]),
        ("loss", "mean", [("loss", "sum")]),
        ("adam_eps", 1e-4, [("adam_eps", 1e-8)]),
        ("amp", False, [("amp", None)]),
    ],
)
def test_a_part_that_would_change_is_tried(knob, value, parts):
    assert why_inert(knob, value, having(*parts)) is None


@pytest.mark.parametrize(
    ("knob", "value", "parts"),
    [
        ("dropout", 0.0, [("dropout", 0.0)]),
        ("weight_decay", 0.0, [("weight_decay", 0.0)]),
        ("optimizer", "adam", [("optimizer", "Adam"), ("lr_scale", 0.001), ("adam_eps", 1e-8)]),
        ("shuffle", True, [("shuffle", "on")]),
        ("activation", "relu", [("activation", "relu")]),
        ("loss", "mean", [("loss", "cross_entropy")]),
        ("adam_eps", 1e-4, [("adam_eps", 1e-4)]),
    ],
)
def test_a_part_that_is_so_already_changes_nothing(knob, value, parts):
    assert why_inert(knob, value, having(*parts))


def test_a_loader_that_is_missing_is_said_so():
    for knob, value in (("batch_scale", 4.0), ("shuffle", True), ("input_norm", "standardize")):
        assert "DataLoader" in (why_inert(knob, value, BARE) or "")
