"""Labels that are not their own rows': moved, permuted or renumbered in a stretch, on real data; healthy sets pass."""

import re

import numpy as np
import pytest

from sweep.analysis.checks.data_labels import agreement_checks
from sweep.analysis.checks.data_rows import NAME
from sweep.domain.data_figures import DataFindings, LabelKind, SetFigures
from sweep.worker.checks.neighbours import measure_neighbours
from tasks.datasets import load_breast_cancer, load_diabetes, load_digits


def digits(*, is_shuffled=False):
    x, y = load_digits()
    rows = np.random.default_rng(5).permutation(len(y))[:700]
    rows = rows if is_shuffled else np.sort(rows)
    return x[rows].reshape(len(rows), -1), y[rows].copy(), LabelKind.CLASSES


def rolled(data, first, last, by):
    x, y, kind = data
    y[first:last] = np.roll(y[first:last], by)
    return x, y, kind


def looked_at(data, *, read=100, total=100):
    x, y, kind = data
    train = SetFigures(type_name="tuple", total=total, read=read)
    near = measure_neighbours(x, y, None, None, kind)
    found = DataFindings(has_data=True, has_model=False, train=train, neighbours=near)
    return {check.name: check for check in agreement_checks(found)}


def along(data, **train):
    return looked_at(data, **train)[NAME]


def rows_named(check):
    return [int(text.replace(",", "")) for text in re.search(r"rows ([\d,]+) to ([\d,]+)", check.found).groups()]


STRETCHES = {"first half": (0, 350), "second half": (350, 700), "quarter": (250, 425), "tenth": (500, 570)}


@pytest.mark.parametrize(
    ("stretch", "by", "is_shuffled"),
    [
        ("first half", 1, False),
        ("second half", -1, True),
        ("quarter", 5, False),
        ("tenth", 1, False),
        ("tenth", -1, True),
    ],
)
def test_labels_moved_in_a_stretch_are_broken_and_the_rows_and_the_move_are_named(stretch, by, is_shuffled):
    first, last = STRETCHES[stretch]
    check = along(rolled(digits(is_shuffled=is_shuffled), first, last, by))
    assert check.severity == "broken"
    words = {1: "one row down", -1: "one row up", 5: "5 rows down"}[by]
    assert words in check.found
    assert np.allclose(rows_named(check), (first, last - 1), atol=45), check.found
    assert check.advice


@pytest.mark.parametrize(("by", "is_shuffled"), [(1, False), (5, False), (-1, True)])
def test_labels_moved_in_the_whole_set_are_broken_and_the_move_is_named(by, is_shuffled):
    check = looked_at(rolled(digits(is_shuffled=is_shuffled), 0, 700, by))["labels and inputs"]
    assert check.severity == "broken"
    words = {
        1: "one row: each sample has the label of the one before",
        -1: "of the one after",
        5: "the one 5 rows before",
    }
    assert f"{words[by]} it" in check.found


@pytest.mark.parametrize("share", [0.5, 0.25])
def test_permuted_labels_in_a_stretch_are_warned_of(share):
    x, y, kind = digits()
    last = 150 + int(share * len(y))
    y[150:last] = np.random.default_rng(1).permutation(y[150:last])
    check = along((x, y, kind))
    assert check.severity == "warning"
    assert "permuted" in check.found
    assert np.allclose(rows_named(check), (150, last - 1), atol=45), check.found


def test_a_stretch_that_numbers_classes_differently_is_warned_of():
    x, y, kind = digits()
    y[300:500] = (y[300:500] + 3) % 10  # in the middle: of two parts it might be either
    check = along((x, y, kind))
    assert check.severity == "warning"
    assert "numbered differently" in check.found
    assert np.allclose(rows_named(check), (300, 499), atol=45), check.found


def test_targets_of_a_regression_moved_in_half_of_the_rows_are_broken():
    x, y = load_diabetes()
    check = along(rolled((x, y.copy(), LabelKind.VALUES), 0, 221, 1))
    assert check.severity == "broken"
    assert "one row down" in check.found


def test_two_classes_moved_in_half_of_the_rows_are_broken():
    x, y = load_breast_cancer()
    assert along(rolled((x, y.copy(), LabelKind.CLASSES), 280, 569, 1)).severity == "broken"


def with_noise(data, share, seed):
    x, y, kind = data
    rng = np.random.default_rng(seed)
    return x, np.where(rng.random(len(y)) < share, rng.permutation(y), y), kind


@pytest.mark.parametrize(("order", "share"), [("as they come", 0.0), ("shuffled", 0.3), ("sorted by label", 0.3)])
@pytest.mark.parametrize(
    ("load", "kind"),
    [(load_digits, LabelKind.CLASSES), (load_breast_cancer, LabelKind.CLASSES), (load_diabetes, LabelKind.VALUES)],
)
def test_healthy_labels_with_noise_anywhere_and_in_any_order_pass(load, kind, order, share):
    x, y = (part[:700] for part in load())
    rows = {
        "as they come": np.arange(len(y)),
        "shuffled": np.random.default_rng(2).permutation(len(y)),
        "sorted by label": np.argsort(y, kind="stable"),
    }[order]
    assert along(with_noise((x[rows].reshape(len(y), -1), y[rows], kind), share, seed=3)).severity == "ok"


def test_where_neighbours_agree_by_chance_only_nothing_is_said_of_stretches():
    rng = np.random.default_rng(0)
    check = along((rng.normal(size=(800, 10)), rng.integers(0, 4, 800), LabelKind.CLASSES))
    assert check.severity == "not_checked"
    assert "by chance" in check.found


def test_a_forecast_of_the_next_value_is_not_taken_for_labels_that_were_moved_in_a_stretch():
    rng = np.random.default_rng(4)
    series = np.convolve(rng.normal(size=700), 0.8 ** np.arange(30), mode="valid")
    windows = np.lib.stride_tricks.sliding_window_view(series, 6)[:-1]
    assert along((windows, series[6:], LabelKind.VALUES)).severity == "ok"


def test_a_forecast_that_cannot_be_told_from_its_window_is_no_fault_but_warned_of():
    series = np.random.default_rng(4).normal(size=700)
    windows = np.lib.stride_tricks.sliding_window_view(series, 6)[:-1]
    check = looked_at((windows, series[6:], LabelKind.VALUES))["labels and inputs"]
    assert check.severity == "warning"
    assert "as in a forecast" in check.found


def test_rows_are_those_of_the_set_also_where_earlier_samples_cannot_be_used():
    x, y, kind = rolled(digits(), 350, 700, 1)
    x = x.astype(float)
    x[:140] = np.nan
    assert np.allclose(rows_named(along((x, y, kind))), (350, 699), atol=45)


def test_rows_of_a_set_that_was_read_in_part_are_said_to_be_those_read():
    check = along(rolled(digits(), 0, 350, 1), read=700, total=50_000)
    assert "of those read" in check.found
    assert "one row down" in check.found


@pytest.mark.parametrize("kind", [LabelKind.CLASSES, LabelKind.VALUES])
def test_labels_that_are_all_the_same_are_not_called_permuted(kind):
    x, y, _ = digits()
    [check] = looked_at((x, np.zeros_like(y), kind)).values()
    assert check.severity == "not_checked"
    assert "all the same" in check.found


def test_too_few_samples_are_not_judged():
    x, y, kind = digits()
    assert NAME not in looked_at((x[:90], y[:90], kind))
