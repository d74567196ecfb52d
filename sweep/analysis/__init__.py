"""Verdicts to effects, repairs and a ranking: pure functions, SciPy does the statistics (METHOD 3)."""

from sweep.analysis.ranking import rank

__all__ = ["rank"]
