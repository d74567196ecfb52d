"""Curves: what trials logged, as NumPy arrays."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sweep.domain.metric import Series, Steps, Values
from sweep.domain.plural import count_text
from sweep.reading import display
from sweep.reading.source import missing

DRAWN = 60
"""Maximum number of curves in one picture."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """One metric of one trial: `steps` [T] int64 as logged, `values` [T] float64, NaN and infinities included.

    `verdict` is the trial's; `level` is the target's threshold, None if the target is about another metric.
    """

    trial: int
    cell: str
    seed: int
    verdict: str
    metric: str
    steps: Steps
    values: Values
    level: float | None = None

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def label(self) -> str:
        """The trial, its cell and its seed."""
        return f"trial {self.trial}: {self.cell}, seed {self.seed}"

    def to_records(self) -> list[dict[str, Any]]:
        """Return a row per point: trial, cell, seed, metric, step, value."""
        about = {"trial": self.trial, "cell": self.cell, "seed": self.seed, "metric": self.metric}
        points = zip(self.steps.tolist(), self.values.tolist(), strict=True)
        return [{**about, "step": step, "value": value} for step, value in points]

    def __repr__(self) -> str:
        last = f", last {self.values[-1]:.4g} at step {self.steps[-1]}" if len(self) else ""
        return f"<Curve {self.metric} of {self.label}: {count_text(len(self), 'point')}{last}>"

    def _repr_html_(self) -> str:
        return display.paragraph(f"{self.metric}, {self.label}") + display.chart([self.drawn], level=self.level)

    @property
    def drawn(self) -> tuple[str, str, Series]:
        """Label, verdict and series, for a chart."""
        return self.label, self.verdict, Series(self.steps, self.values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves(Mapping[int, Curve]):
    """One metric of several trials, by trial number."""

    metric: str
    by_trial: Mapping[int, Curve] = field(repr=False)

    def __getitem__(self, number: int) -> Curve:
        try:
            return self.by_trial[number]
        except KeyError:
            raise missing(f"curve of {self.metric} for trial", number, self.by_trial) from None

    def __iter__(self) -> Iterator[int]:
        return iter(self.by_trial)

    def __len__(self) -> int:
        return len(self.by_trial)

    def __contains__(self, number: object) -> bool:
        return number in self.by_trial

    def get(self, number: int, default: Any = None) -> Any:
        """Return the curve of a trial, or `default` if it has none."""
        return self.by_trial.get(number, default)

    def to_records(self) -> list[dict[str, Any]]:
        """Return a row per point of every curve, for `pandas.DataFrame(...)`."""
        return [row for curve in self.by_trial.values() for row in curve.to_records()]

    def __repr__(self) -> str:
        return f"<Curves of {self.metric}: {count_text(len(self), 'trial')}>"

    def _repr_html_(self) -> str:
        shown = list(self.by_trial.values())[:DRAWN]
        left_out = f" (the first {DRAWN} of {len(self)})" if len(self) > DRAWN else ""
        level = next((curve.level for curve in shown), None)
        head = display.paragraph(f"{self.metric} of {count_text(len(self), 'trial')}{left_out}")
        return head + display.chart([curve.drawn for curve in shown], level=level)
