"""Which label value means "ignored", such as 255 in segmentation."""

DEFAULT_IGNORED = -100
"""The default `ignore_index` of cross entropy: always a label to leave out."""
IGNORED = (DEFAULT_IGNORED, 255, -1)
"""Values that usually mark labels to ignore."""
FEWEST = 2
"""Minimum number of other classes among the labels beside the ignored value."""


def stands_apart(value: float, *, top: float, places: float | None) -> bool:
    """Return whether a value of IGNORED is out of range while other labels are not, and no shift of all explains it.

    `top` is the largest of the other labels, which are integers from 0; `places` is the number of the model's outputs,
    at least 2, None if unknown. A value equal to the number of classes is not ignored: the classes count from 1.
    """
    if places is None:
        return value < 0 or top < value - 1
    is_shifted = value == -1 and top == places - 2
    return top < places and not 0 <= value <= places and not is_shifted
