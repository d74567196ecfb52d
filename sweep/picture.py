"""A batch as a picture: images with their labels, or a table as a strip of colours. NumPy and Pillow only."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]

CELL = 72
"""Pixels of the longer side of a small image; a larger one is reduced to at most twice this."""
GAP = 8
TEXT = 13
WIDEST = 960
"""Maximum width of a table's strip in pixels, if each feature has at least one."""
BAD = (214, 39, 174)
"""Colour of NaN and infinite values: unlike all others."""
LOW, MIDDLE, HIGH = (33, 102, 172), (247, 247, 247), (178, 24, 43)
"""Colours of a table's values: 2.5 standard deviations below its feature's mean, the mean, and as much above."""
MIN_SIDE = 6
"""Minimum side, in pixels, for a flat sample to count as a picture."""
SMOOTH = 0.15
"""In pictures, neighbouring pixels correlate by at least this much more than pixels in general."""


def visualize_batch(
    x: Any, y: Any = None, *, limit: int = 32, columns: int = 8, layout: str | None = None
) -> Image.Image:
    """Return a picture of the first `limit` samples of a batch with their labels, `columns` images per row.

    `x` [n, ...] is an array or a tensor. Its `layout` is found by `layout_of` unless given: "NCHW", "NHWC", "HW" (grey
    images [n, h, w]), "pixels" (flat grey images [n, side * side]), "table" [n, features]. Anything else is drawn as a
    strip, one row per sample, coloured by the distance of each value from its feature's mean in the batch. The whole
    batch has one brightness scale: 0 to 1, 0 to 255, or its smallest to its largest value. NaN and infinities are
    magenta. `y` [n, ...] are the labels, None for none. The result is a Pillow image: notebooks show it,
    `.save("batch.png")` writes it. Raises ValueError if `x` has no samples.
    """
    data = np.asarray(x)
    if data.ndim == 0 or len(data) == 0:
        raise ValueError(
            f"visualize_batch: x must be a batch [n, ...] of at least one sample, not of shape {data.shape}"
        )
    layout = layout or layout_of(data)
    labels = None if y is None else [label_text(label) for label in np.asarray(y)[:limit]]
    batch = data[:limit].astype(np.float64)
    images = as_images(batch, layout)
    if images is None:
        return _strip(batch.reshape(len(batch), -1), labels)
    return _grid(_to_bytes(images), labels, columns)


def layout_of(x: NDArray[Any]) -> str:
    """Return the layout of a batch [n, ...]: "NCHW", "NHWC", "HW", "pixels", "table", "tokens" or "other".

    A flat sample is "pixels" if it has as many values as a square picture and adjacent values correlate as in pictures;
    other flat samples of integers are "tokens".
    """
    if x.ndim == 4:
        return "NHWC" if x.shape[3] in (1, 3, 4) and x.shape[1] not in (1, 3) else "NCHW"
    if x.ndim == 3:
        return "HW" if x.shape[1] == x.shape[2] and x.shape[1] >= MIN_SIDE else "other"
    if x.ndim > 2:
        return "other"
    flat = x.reshape(len(x), -1)
    if _is_smooth(flat):
        return "pixels"
    return "tokens" if np.issubdtype(x.dtype, np.integer) and x.dtype != np.uint8 else "table"


def as_images(x: NDArray[Any], layout: str) -> NDArray[Any] | None:
    """Return a batch as images [n, h, w, channels], None if its layout is not a picture's."""
    if layout == "NCHW":
        return np.moveaxis(x, 1, 3)
    if layout == "NHWC":
        return x
    if layout == "HW":
        return x[..., None]
    if layout == "pixels":
        side, channels = _side(x.shape[1])
        return np.moveaxis(x.reshape(-1, channels, side, side), 1, 3)
    return None


def label_text(label: Any) -> str:
    """Return a label in at most eight characters; an array is shown by the index of its maximum, or left out."""
    value = np.asarray(label)
    if value.size > 1:
        return f"#{int(value.argmax())}" if value.ndim == 1 else ""
    number = value.reshape(-1)[0] if value.size else ""
    text = str(int(number)) if np.issubdtype(value.dtype, np.integer) else f"{number:.4g}" if value.size else ""
    return text[:8]


def _side(size: int) -> tuple[int, int]:
    """Return (side, channels) of the square picture with this number of values, (0, 0) if there is none."""
    for channels in (1, 3):
        side = round((size / channels) ** 0.5)
        if side * side * channels == size and side >= MIN_SIDE:
            return side, channels
    return 0, 0


def _is_smooth(flat: NDArray[Any]) -> bool:
    side = _side(flat.shape[1])[0]
    if not side or len(flat) < 2 or not np.issubdtype(flat.dtype, np.number):
        return False
    some = np.nan_to_num(flat[:500, : side * side].astype(np.float64), posinf=0.0, neginf=0.0)
    centred = some - some.mean(axis=0)
    scale = np.sqrt((centred**2).mean(axis=0))
    varies = scale > 0
    if varies.sum() < side:
        return False
    z = centred / np.where(varies, scale, 1.0)
    grid = z.reshape(-1, side, side)
    seen = varies.reshape(side, side)
    below = _mean_where((grid[:, 1:] * grid[:, :-1]).mean(axis=0), seen[1:] & seen[:-1])
    beside = _mean_where((grid[:, :, 1:] * grid[:, :, :-1]).mean(axis=0), seen[:, 1:] & seen[:, :-1])
    anywhere = float((z[:, varies].mean(axis=1) ** 2).mean())  # mean over all pairs of pixels
    return min(below, beside) > anywhere + SMOOTH or (min(below, beside) > 0.9 and bool(np.ptp(some) > 0))


def _mean_where(values: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    return float(values[mask].mean()) if mask.any() else 0.0


def _to_bytes(images: NDArray[np.float64]) -> Pixels:
    """Return images [n, h, w, 3] as bytes, on one scale for the whole batch."""
    if images.shape[3] not in (1, 3):
        images = images[..., :3] if images.shape[3] == 4 else images[..., :1]
    finite = np.isfinite(images)
    values = images[finite]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and 128 <= high <= 255:
        low, high = 0.0, 255.0
    scaled = np.where(finite, (images - low) / ((high - low) or 1.0), 0.0)
    pixels = np.repeat(scaled, 3, axis=3) if images.shape[3] == 1 else scaled
    shown = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    shown[~finite.all(axis=3)] = BAD
    return np.asarray(shown)


def _grid(images: Pixels, labels: Sequence[str] | None, columns: int) -> Image.Image:
    n, height, width, _ = images.shape
    longest = max(height, width)
    scale = max(1, CELL // longest) if longest <= CELL else min(1.0, 2 * CELL / longest)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    columns = max(1, min(columns, n))
    rows = -(-n // columns)
    text = 0 if labels is None else TEXT + 4
    cell_w, cell_h = max(size[0], 48 if labels else 1) + GAP, size[1] + text + GAP
    canvas = Image.new("RGB", (columns * cell_w + GAP, rows * cell_h + GAP), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(TEXT)
    for i, pixels in enumerate(images):
        left, top = GAP + i % columns * cell_w, GAP + i // columns * cell_h
        how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
        canvas.paste(Image.fromarray(pixels).resize(size, how), (left, top))
        draw.rectangle((left - 1, top - 1, left + size[0], top + size[1]), outline=(200, 207, 214))
        if labels is not None:
            draw.text((left, top + size[1] + 2), labels[i], fill=(28, 37, 48), font=font)
    return canvas


def _strip(table: NDArray[np.float64], labels: Sequence[str] | None) -> Image.Image:
    features = table.shape[1]
    if features > WIDEST:  # more than the eye can resolve: every k-th
        table = table[:, np.linspace(0, features - 1, WIDEST).astype(int)]
    n, shown = table.shape
    width, height = max(1, min(28, WIDEST // shown)), TEXT + 5
    left = 8 if labels is None else 72
    title = f"{features} features, {n} samples; blue below, red above the feature's mean"
    font = ImageFont.load_default(TEXT)
    wide = max(shown * width, round(font.getlength(title)))
    canvas = Image.new("RGB", (left + wide + 8, n * height + 2 * height + 8), "white")
    colours = Image.fromarray(_colours(table)).resize((shown * width, n * height), Image.Resampling.NEAREST)
    canvas.paste(colours, (left, height + 4))
    draw, ink = ImageDraw.Draw(canvas), (28, 37, 48)
    draw.text((left, 2), title, ink, font)
    for i in range(n if labels is not None else 0):
        draw.text((8, height + 4 + i * height), labels[i] if labels else "", ink, font)
    return canvas


def _colours(table: NDArray[np.float64]) -> Pixels:
    finite = np.isfinite(table)
    clean = np.where(finite, table, np.nan)
    filled = np.where(finite.any(axis=0), clean, 0.0)
    mean, scale = np.nanmean(filled, axis=0), np.nanstd(filled, axis=0)
    z = np.clip(np.where(finite, (np.where(finite, table, 0) - mean) / np.where(scale > 0, scale, 1), 0) / 2.5, -1, 1)
    low, middle, high = (np.array(colour, dtype=np.float64) for colour in (LOW, MIDDLE, HIGH))
    towards = np.where((z < 0)[..., None], low, high)
    shown: Pixels = np.rint(middle + np.abs(z)[..., None] * (towards - middle)).astype(np.uint8)
    shown[~finite] = BAD
    return shown
