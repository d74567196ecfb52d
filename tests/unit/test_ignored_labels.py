"""Which label stands for "ignored", and which odd label is a mistake."""

import numpy as np
import pytest

from sweep.worker.checks.ignored import count_of, ignored_label, masked, units_of, without
from sweep.worker.checks.measures import measure_order

CLASSES = np.arange(400) % 10


def odd(value, classes=CLASSES):
    labels = classes.astype("int64")
    labels[::20] = value
    return labels


def found(labels, output=(32, 10), metric="val/acc"):
    return ignored_label([labels], output=output, metric=metric)


@pytest.mark.parametrize("value", [255, -100, -1])
@pytest.mark.parametrize("output", [(32, 10), ()])
def test_one_usual_value_out_of_range_is_to_be_ignored(value, output):
    assert found(odd(value), output) == value
    assert found(odd(value).astype("float32"), output) == value


@pytest.mark.parametrize("value", [10, 11, 37, -4, 254])
def test_any_other_odd_label_is_a_mistake(value):
    assert found(odd(value)) is None


def test_labels_that_are_all_shifted_or_wrong_in_two_ways_have_none_to_ignore():
    assert found(CLASSES - 1) is None
    assert found(CLASSES + 1) is None
    assert found(np.where(CLASSES == 3, 37, odd(255))) is None
    assert ignored_label([odd(255), odd(-100)], output=(32, 10), metric="val/acc") is None


def test_a_value_that_is_a_class_of_the_model_is_none_to_ignore():
    many = np.arange(5120) % 256
    assert found(many, (32, 256)) is None
    assert found(many, (32, 255)) is None  # one class too many: counted from 1, or a head too small
    assert found(many, ()) is None


def test_the_targets_of_a_regression_and_two_classes_of_minus_and_plus_one_have_none():
    assert found(odd(-1), (32, 1), "val/r2") is None
    assert found(np.where(CLASSES > 4, 1, -1), (32, 1)) is None


def test_pixels_and_tokens_have_one_too():
    mask = np.zeros((4, 6, 6), dtype="uint8")
    mask[0], mask[1, 0] = 2, 255
    assert found(mask, (4, 3, 6, 6), "val/iou") == 255
    mask[2, 0] = 9
    assert found(mask, (4, 3, 6, 6), "val/iou") is None
    tokens = np.arange(48).reshape(4, 12) % 40
    tokens[:, -2:] = -100
    assert found(tokens, (4, 12, 50), "val/loss") == -100


@pytest.mark.parametrize(
    ("output", "labels", "units"),
    [((32, 10), (32,), 10), ((4, 3, 6, 6), (4, 6, 6), 3), ((4, 12, 50), (4, 12), 50), ((32,), (32,), None)],
)
def test_the_classes_are_at_the_axis_that_the_labels_lack(output, labels, units):
    assert units_of(output, labels) == units


def test_what_is_left_out_is_left_out():
    labels = odd(255)
    assert count_of(labels, 255) == 20
    assert set(without(labels, 255)) == set(range(10))
    assert np.isnan(masked(labels, 255)).sum() == 20
    assert masked(labels, None) is labels


def test_the_order_of_rows_counts_changes_of_class():
    assert measure_order(np.sort(CLASSES)).runs == 10
    mixed = measure_order(CLASSES)
    assert mixed.changes == 399
    assert mixed.expected == pytest.approx(359.1)
    assert measure_order(masked(np.sort(odd(255)), 255)).classes == 10
