"""Nightly regression: from a baseline and a history of nights to a verdict per task. Pure (docs/regression.md)."""

from sweep.analysis.regression.judge import judge_task
from sweep.analysis.regression.wording import comparison_gap
from sweep.domain.suspects import suspects

__all__ = ["comparison_gap", "judge_task", "suspects"]
