"""Verdicts to effects, repairs and a ranking: pure functions, SciPy does the statistics (docs/method.md)."""

from sweep.analysis.ranking import rank

__all__ = ["rank"]
