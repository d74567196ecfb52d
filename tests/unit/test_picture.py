import numpy as np
import pytest

import sweep
from sweep.picture import BAD, layout_of, visualize_batch
from tasks.datasets import load_breast_cancer, load_diabetes, load_digits

DIGITS = (load_digits()[0] / 16).astype(np.float32)


def has_pixel(image, colour):
    return bool((np.asarray(image).reshape(-1, 3) == colour).all(axis=1).any())


@pytest.mark.parametrize(
    ("batch", "layout"),
    [
        (DIGITS[:, None], "NCHW"),
        (DIGITS[..., None], "NHWC"),
        (DIGITS, "HW"),
        (DIGITS.reshape(-1, 64), "pixels"),
        (np.repeat(DIGITS[:, None], 3, axis=1).reshape(-1, 192), "pixels"),
        (load_breast_cancer()[0], "table"),
        (load_diabetes()[0], "table"),
        (np.tile(load_breast_cancer()[0], 3)[:, :64], "table"),
        (np.random.default_rng(0).standard_normal((300, 64)), "table"),
        (np.random.default_rng(0).integers(0, 5000, (300, 49)), "tokens"),
        (np.zeros((4, 7, 30)), "other"),
    ],
)
def test_the_layout_is_found(batch, layout):
    assert layout_of(batch) == layout


@pytest.mark.parametrize("batch", [DIGITS[:, None], DIGITS[..., None], DIGITS, DIGITS.reshape(-1, 64)])
def test_a_digit_looks_the_same_in_every_layout(batch):
    reference = visualize_batch(DIGITS, np.arange(len(DIGITS)) % 10)
    assert (np.asarray(visualize_batch(batch, np.arange(len(DIGITS)) % 10)) == np.asarray(reference)).all()


def test_0_to_255_looks_like_0_to_1():
    assert (np.asarray(visualize_batch(DIGITS * 255)) == np.asarray(visualize_batch(DIGITS))).all()


@pytest.mark.parametrize("batch", [DIGITS[:9], load_breast_cancer()[0][:9]])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_stands_out(batch, bad):
    assert not has_pixel(visualize_batch(batch), BAD)
    batch = batch.copy()
    batch.reshape(9, -1)[2, 5] = bad
    assert has_pixel(visualize_batch(batch), BAD)


def test_no_more_samples_are_drawn_than_asked_for():
    assert visualize_batch(DIGITS, limit=8).size == visualize_batch(DIGITS[:8]).size


def test_a_batch_without_a_sample_is_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        visualize_batch(np.zeros((0, 8, 8)))


def test_it_is_part_of_the_package():
    assert sweep.visualize_batch is visualize_batch


@pytest.mark.parametrize("features", [1, 13])
def test_the_words_over_a_narrow_table_are_not_cut(features):
    picture = np.asarray(visualize_batch(np.random.default_rng(0).standard_normal((20, features)), np.arange(20)))
    assert (picture[:18, -8:] == 255).all(), "white behind the last word"
    assert (picture[:18, -40:-8] < 128).any()
