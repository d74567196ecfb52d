"""Values of knobs, checked before anything is hooked."""

from collections.abc import Sequence

from sweep.domain.knobs import NONE


def number(knob: str, value: object, *, low: float, high: float, none: float | None = None) -> float:
    """Return a number in [low, high]. `none` is what the word `none` stands for. Raises ValueError for all else."""
    if value == NONE and none is not None:
        return none
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"task.{knob}={value} is not a number from {low:g} to {high:g}")
    return float(value)


def switch(knob: str, value: object) -> bool:
    """Return true or false; the word `none` is false. Raises ValueError for all else."""
    if value == NONE:
        return False
    if not isinstance(value, bool):
        raise ValueError(f"task.{knob}={value} is neither true nor false")
    return value


def choice(knob: str, value: object, names: Sequence[str]) -> str:
    """Return one of the names. Raises ValueError for all else."""
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"task.{knob}={value} is not one of: {', '.join(names)}")
    return value
