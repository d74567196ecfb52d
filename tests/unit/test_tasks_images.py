import numpy as np
import pytest

from tasks.images import add_noise, flip_and_crop, shift_and_rotate


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


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


def test_about_half_of_the_images_are_mirrored():
    batch = np.tile(np.arange(4, dtype=np.float32), (1000, 1, 4, 1))
    mirrored = flip_and_crop(batch, rng(), padding=0)[:, 0, 0, 0] == 3
    assert 400 < mirrored.sum() < 600
