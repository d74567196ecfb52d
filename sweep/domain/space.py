"""The distributions that a search draws from, one per searched key."""

import math
from dataclasses import dataclass
from decimal import Decimal

Value = str | int | float
"""A drawn value as the sampler has it: text (a category), an int, or a finite float."""


@dataclass(frozen=True, slots=True)
class Categorical:
    """One of `choices`, each written as in a Hydra override; all different, without a meaningful order."""

    choices: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.choices or len(set(self.choices)) != len(self.choices):
            raise ValueError(f"choices must be different, and at least one: {self.choices}")

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.choices)

    def at(self, index: int) -> str:
        """Return the value of this index, in [0, size)."""
        return self.choices[index]

    def text(self, value: Value) -> str:
        """Return a drawn value as written in a Hydra override."""
        return str(value)

    def read(self, text: str) -> str:
        """Return the value written as `text`. Raises ValueError if it is not one of the choices."""
        if text not in self.choices:
            raise ValueError(f"{text!r} is not among {self.choices}")
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class IntRange:
    """An integer from `low` to `high`, both included, in steps of `step` from `low`; `log` draws log-uniformly."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        if self.low > self.high or self.step < 1:
            raise ValueError(f"low ({self.low}) must not be above high ({self.high}), nor step below 1")
        if (self.high - self.low) % self.step:
            raise ValueError(f"high ({self.high}) must be a whole number of steps ({self.step}) above low ({self.low})")
        if self.log and (self.low < 1 or self.step != 1):
            raise ValueError(
                f"a log range of ints starts at 1 or above (here {self.low}) and has step 1 (here {self.step})"
            )

    @property
    def size(self) -> int:
        """The number of values."""
        return (self.high - self.low) // self.step + 1

    def at(self, index: int) -> int:
        """Return the value of this index, in [0, size)."""
        return self.low + index * self.step

    def text(self, value: Value) -> str:
        """Return a drawn value as written in a Hydra override."""
        return str(int(value))

    def read(self, text: str) -> int:
        """Return the value written as `text`. Raises ValueError if it is not in the range."""
        value = int(text)
        if not self.low <= value <= self.high or (value - self.low) % self.step:
            raise ValueError(f"{text} is not in {self}")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatRange:
    """A float from `low` to `high`, both included; `step` makes it a grid from `low`, `log` draws log-uniformly."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"low ({self.low}) must not be above high ({self.high}), and both must be finite")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError(f"a log range starts above 0 (here {self.low}) and has no step")
        if self.step is not None and not self.step > 0:
            raise ValueError(f"step must be above 0, not {self.step}")

    @property
    def size(self) -> int | None:
        """The number of values, None for a continuum."""
        if self.low == self.high:
            return 1
        return None if self.step is None else round((self.high - self.low) / self.step) + 1

    def at(self, index: int) -> float:
        """Return the value of this index, in [0, size), if the range has a size."""
        if self.step is None:
            return self.low
        return min(self.high, float(Decimal(repr(self.low)) + index * Decimal(repr(self.step))))

    def text(self, value: Value) -> str:
        """Return a drawn value as written in a Hydra override: exact, but rounded on a grid (0.3, not
        0.30000000000000004)."""
        return repr(float(value)) if self.step is None else repr(float(f"{float(value):.12g}"))

    def read(self, text: str) -> float:
        """Return the value written as `text`. Raises ValueError if it is not in the range."""
        value = float(text)
        if self.step is None:
            if not self.low <= value <= self.high:
                raise ValueError(f"{text} is not in {self}")
            return value
        index = round((value - self.low) / self.step) if math.isfinite(value) else -1
        if not 0 <= index < (self.size or 0) or abs(value - self.at(index)) > 1e-6 * self.step:
            raise ValueError(f"{text} is not on the grid of {self}")
        return self.at(index)


Distribution = Categorical | IntRange | FloatRange


@dataclass(frozen=True, slots=True)
class Param:
    """A searched task key (`task.lr`) and the distribution of its value."""

    key: str
    distribution: Distribution
