"""The label that stands for "ignored", such as 255 in segmentation: which value can be one."""

DEFAULT_IGNORED = -100
"""The default `ignore_index` of cross entropy: always a label to leave out."""
IGNORED = (DEFAULT_IGNORED, 255, -1)
"""Values that usually stand for a label to leave out."""
FEWEST = 2
"""Number of other classes that labels must have besides the ignored value."""


def stands_apart(value: float, *, top: float, places: float | None) -> bool:
    """Return whether a value of IGNORED is out of range, the other labels are not, and no shift of all explains that.

    `top` is the largest of the others, which are whole numbers from 0; `places` the number of the model's outputs, at
    least 2, None if not known. The number of classes itself is no value to ignore: the classes count from 1.
    """
    if places is None:
        return value < 0 or top < value - 1
    is_shifted = value == -1 and top == places - 2
    return top < places and not 0 <= value <= places and not is_shifted
