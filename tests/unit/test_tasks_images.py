import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.images import add_noise, flip_and_crop, shift_and_rotate

images = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(2, 9)).flatmap(
    lambda s: arrays(np.float32, (s[0], s[1], s[2], s[2]), elements=st.floats(0, 1, width=32))
)
seeds = st.integers(0, 2**31 - 1)
few = settings(max_examples=30)  # drawing image batches is what takes the time


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


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


def test_every_image_of_a_batch_is_moved_by_itself():
    batch = np.zeros((2, 1, 8, 8), np.float32)
    batch[:, 0, 4, 4] = 1
    moved = shift_and_rotate(batch, rng(), max_shift=2, max_rotation=0)
    assert not np.array_equal(moved[0], moved[1])


class FixedDraws:
    """A generator whose uniform draws are given: first the angles in degrees, then the shifts (dy, dx) in pixels."""

    def __init__(self, angle: float, dy: float, dx: float) -> None:
        self.draws = [np.array([angle]), np.array([dy, dx]).reshape(2, 1, 1, 1)]

    def uniform(self, low, high, size):
        return self.draws.pop(0)


def point(y: int, x: int) -> np.ndarray:
    image = np.zeros((1, 1, 5, 5), np.float32)
    image[0, 0, y, x] = 1
    return image


@pytest.mark.parametrize(
    ("draws", "start", "end"),
    [
        ((0, 1, 0), (2, 2), (3, 2)),
        ((0, 0, -2), (2, 2), (2, 0)),
        ((90, 0, 0), (2, 4), (4, 2)),
        ((180, 0, 0), (0, 1), (4, 3)),
    ],
)
def test_a_shift_and_a_rotation_take_a_pixel_where_they_should(draws, start, end):
    moved = shift_and_rotate(point(*start), FixedDraws(*draws), max_shift=9, max_rotation=180)
    assert abs(moved[0, 0][end]) > 0.99
    assert moved.sum() == pytest.approx(1, abs=1e-5)


def test_half_a_pixel_of_shift_splits_the_value():
    moved = shift_and_rotate(point(2, 2), FixedDraws(0, 0.5, 0), max_shift=1, max_rotation=0)
    assert moved[0, 0, 2:4, 2].tolist() == pytest.approx([0.5, 0.5])


def test_noise_has_the_standard_deviation_asked_for():
    noisy = add_noise(np.zeros((50, 1, 28, 28), np.float32), rng(), std=0.3)
    assert noisy.dtype == np.float32
    assert noisy.std() == pytest.approx(0.3, rel=0.02)


@few
@given(images, seeds)
def test_for_all_images_flipping_without_padding_mirrors_or_keeps_each(batch, seed):
    out = flip_and_crop(batch, rng(seed), padding=0)
    for one, original in zip(out, batch, strict=True):
        assert np.array_equal(one, original) or np.array_equal(one, original[..., ::-1])


def test_about_half_of_the_images_are_mirrored():
    batch = np.tile(np.arange(4, dtype=np.float32), (1000, 1, 4, 1))
    mirrored = flip_and_crop(batch, rng(), padding=0)[:, 0, 0, 0] == 3
    assert 400 < mirrored.sum() < 600


@few
@given(seeds, st.integers(1, 4))
def test_for_all_paddings_a_crop_is_a_window_of_the_padded_image(seed, padding):
    batch = np.ones((20, 2, 6, 6), np.float32)
    out = flip_and_crop(batch, rng(seed), padding=padding)
    assert out.shape == batch.shape
    assert np.isin(out, [0, 1]).all()
    assert out.sum(axis=(1, 2, 3)).min() >= 2 * (6 - padding) ** 2
