"""What an inventory shows: parts with their lines, what was reported, how long it ran."""

import numpy as np
import pytest

from sweep.analysis.checks import read_check
from sweep.domain.check import Check, CheckName
from sweep.domain.checked import CheckContext, CheckTrial
from sweep.domain.inventory import Inventory, InventoryReport, LossSite, ProgramEnd
from sweep.domain.metric import Series
from sweep.domain.part import Part
from sweep.domain.part_words import lines_text, parts_text
from sweep.domain.states import TrialState
from sweep.domain.target import Mode, Target
from sweep.report.stages.inventory import inventory_rows

TARGET = Target(metric=None, mode=Mode.MIN, threshold=None, hold=None, budget_steps=10, stop_early=False)
CONTEXT = CheckContext(check=Check(name=CheckName.INVENTORY, settings={"limit_s": 600.0}), task={}, target=TARGET)


def trial(findings, *, message="", **series):
    return CheckTrial(
        number=0,
        seed=0,
        state=TrialState.COMPLETED,
        message=message,
        series={name.replace("__", "/"): Series.of(points) for name, points in series.items()},
        findings=findings,
        artifacts="trials/0/artifacts",
    )


def test_equal_parts_are_counted_and_their_lines_named_together():
    parts = [Part(knob="dropout", what="Dropout(p=0.5)", where=f"model.py:{line}") for line in (23, 31)]
    other = Part(knob="dropout", what="Dropout(p=0.1)", where="train.py:9", count=3)
    assert parts_text([*parts, other]) == "2 Dropout(p=0.5) at model.py:23, :31; 3 Dropout(p=0.1) at train.py:9"


def test_of_many_lines_the_first_are_named():
    assert lines_text(f"a.py:{line}" for line in range(20)).endswith("14 more lines")


def test_an_axis_without_parts_is_none_and_one_that_was_not_looked_at_is_left_out():
    rows = dict(inventory_rows(InventoryReport(inventory=Inventory(knobs=("dropout", "batch_scale")))))
    assert rows["dropout"] == rows["batch_size"] == "none"
    assert "clip" not in rows


def test_what_was_reported_is_listed_without_the_monitor():
    found = read_check(
        [trial(Inventory(steps=9, ended=ProgramEnd.OWN), val__acc=[(9, 0.5)], watch__lr=[(1, 0.1)], loss=[(1, 2.0)])],
        CONTEXT,
    )
    assert found.is_ok
    assert isinstance(found.section, InventoryReport)
    assert [metric.name for metric in found.section.metrics] == ["loss", "val/acc"]
    assert found.section.named("val/acc").values == 1


@pytest.mark.parametrize(
    ("inventory", "word"),
    [
        (Inventory(steps=0, ended=ProgramEnd.OWN), "no optimizer step"),
        (Inventory(steps=0, losses=(LossSite(series="step/loss", where="a.py:3", calls=2),)), "a.py:3"),
        (Inventory(steps=4, ended=ProgramEnd.CRASHED), "failed"),
    ],
)
def test_a_program_that_did_not_train_is_not_ok_and_says_what_was_seen(inventory, word):
    found = read_check([trial(inventory)], CONTEXT)
    assert not found.is_ok
    assert word in found.answer


def test_a_loss_that_ends_as_nan_is_named():
    found = read_check([trial(Inventory(steps=2, ended=ProgramEnd.OWN), step__loss=[(1, 1.0), (2, np.nan)])], CONTEXT)
    assert "step/loss" in found.answer


def test_a_run_that_left_nothing_says_why():
    found = read_check([trial(None, message="crash: ImportError")], CONTEXT)
    assert not found.is_ok
    assert "ImportError" in found.answer
