"""Metric series: what a run logged.

numpy is imported only when a series is made: the import would be a fifth of the time of a verb that reads none.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sweep.domain.metric_names import is_loss as is_loss

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Steps: TypeAlias = "NDArray[np.int64]"
Values: TypeAlias = "NDArray[np.float64]"


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One metric of one run: `steps` [T] in the order logged (optimizer steps), `values` [T], NaN and inf included."""

    steps: Steps
    values: Values

    def __post_init__(self) -> None:
        if self.steps.shape != self.values.shape or self.steps.ndim != 1:
            raise ValueError(f"steps {self.steps.shape} and values {self.values.shape} must be [T] both")

    def __len__(self) -> int:
        return len(self.steps)

    def upto(self, step: int) -> "Series":
        """Return the points up to this step."""
        kept = self.steps <= step
        return Series(self.steps[kept], self.values[kept])

    @classmethod
    def of(cls, points: list[tuple[int, float]]) -> "Series":
        """Return the series of these (step, value) points."""
        import numpy as np

        steps = np.array([s for s, _ in points], dtype=np.int64)
        return cls(steps, np.array([v for _, v in points], dtype=np.float64))
