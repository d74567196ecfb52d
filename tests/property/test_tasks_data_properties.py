"""Splits and random transforms of images, for all sizes, images and seeds."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.datasets import split_indices
from tasks.images import flip_and_crop, shift_and_rotate

images = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(2, 9)).flatmap(
    lambda s: arrays(np.float32, (s[0], s[1], s[2], s[2]), elements=st.floats(0, 1, width=32))
)
seeds = st.integers(0, 2**31 - 1)
few = settings(max_examples=30)  # drawing image batches is what takes the time


def rng(seed):
    return np.random.default_rng(seed)


@given(n=st.integers(2, 300), share=st.floats(0, 1))
def test_for_all_sizes_a_split_holds_every_row_exactly_once(n, share):
    n_val = math.floor(share * n)
    train, val = split_indices(n, n_val)
    assert len(val) == n_val
    assert sorted([*train, *val]) == list(range(n))


@few
@given(images, seeds)
def test_for_all_images_no_shift_and_no_rotation_change_nothing(batch, seed):
    same = shift_and_rotate(batch, rng(seed), max_shift=0, max_rotation=0)
    assert np.allclose(same, batch, atol=1e-6)


@few
@given(images, seeds, st.floats(0, 12), st.floats(0, 180))
def test_for_all_images_moving_keeps_shape_type_and_range(batch, seed, shift, turn):
    moved = shift_and_rotate(batch, rng(seed), max_shift=shift, max_rotation=turn)
    assert moved.shape == batch.shape
    assert moved.dtype == np.float32
    assert moved.min() >= -1e-6
    assert moved.max() <= batch.max() + 1e-6


@few
@given(images, seeds)
def test_for_all_images_the_same_generator_moves_them_the_same(batch, seed):
    first, second = (shift_and_rotate(batch, rng(seed), max_shift=2, max_rotation=30) for _ in range(2))
    assert np.array_equal(first, second)


@few
@given(images, seeds)
def test_for_all_images_flipping_without_padding_mirrors_or_keeps_each(batch, seed):
    out = flip_and_crop(batch, rng(seed), padding=0)
    for one, original in zip(out, batch, strict=True):
        assert np.array_equal(one, original) or np.array_equal(one, original[..., ::-1])


@few
@given(seeds, st.integers(1, 4))
def test_for_all_paddings_a_crop_is_a_window_of_the_padded_image(seed, padding):
    batch = np.ones((20, 2, 6, 6), np.float32)
    out = flip_and_crop(batch, rng(seed), padding=padding)
    assert out.shape == batch.shape
    assert np.isin(out, [0, 1]).all()
    assert out.sum(axis=(1, 2, 3)).min() >= 2 * (6 - padding) ** 2
