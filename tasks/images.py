"""Random transforms of images in numpy, each drawing from the generator it is given."""

import numpy as np
from numpy.typing import NDArray

from tasks.datasets import Floats

Rows = NDArray[np.int64]


def shift_and_rotate(images: Floats, rng: np.random.Generator, *, max_shift: float, max_rotation: float) -> Floats:
    """Return images [n, channels, height, width], each moved by up to `max_shift` pixels along both sides and turned
    by up to `max_rotation` degrees about its middle; what comes in from outside is 0. Bilinear.
    """
    n, _, height, width = images.shape
    angle = np.deg2rad(rng.uniform(-max_rotation, max_rotation, n))[:, None, None]
    dy, dx = rng.uniform(-max_shift, max_shift, (2, n, 1, 1))
    y, x = np.mgrid[:height, :width]
    y, x = y - (height - 1) / 2 - dy, x - (width - 1) / 2 - dx
    source_y = np.cos(angle) * y - np.sin(angle) * x + (height - 1) / 2
    source_x = np.sin(angle) * y + np.cos(angle) * x + (width - 1) / 2
    return _sample(images, source_y, source_x)


def _sample(images: Floats, y: NDArray[np.float64], x: NDArray[np.float64]) -> Floats:
    """Return the images' values at the points (y, x) [n, height, width], interpolated; 0 outside."""
    n, _, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (1, 2), (1, 2)))
    y, x = np.clip(y, -1, height) + 1, np.clip(x, -1, width) + 1
    top, left = y.astype(np.int64), x.astype(np.int64)
    down, right = (y - top)[:, None].astype(np.float32), (x - left)[:, None].astype(np.float32)
    row = np.arange(n)[:, None, None]
    planes = padded.transpose(0, 2, 3, 1)

    def at(i: Rows, j: Rows) -> Floats:
        return np.moveaxis(planes[row, i, j], 3, 1)

    above = at(top, left) * (1 - right) + at(top, left + 1) * right
    below = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
    return np.ascontiguousarray(above * (1 - down) + below * down)


def add_noise(images: Floats, rng: np.random.Generator, *, std: float) -> Floats:
    """Return the images with Gaussian noise of this standard deviation added to every value."""
    return images + std * rng.standard_normal(images.shape, dtype=np.float32)


def flip_and_crop(images: Floats, rng: np.random.Generator, *, padding: int) -> Floats:
    """Return images [n, channels, height, width], half of them mirrored, each cut at random from its padded self."""
    n, _, height, width = images.shape
    mirrored = np.where(rng.random((n, 1, 1, 1)) < 0.5, images[..., ::-1], images)
    padded = np.pad(mirrored, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    top, left = rng.integers(0, 2 * padding + 1, (2, n))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(2, 3))
    return np.ascontiguousarray(windows[np.arange(n), :, top, left])
