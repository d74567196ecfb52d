"""From series to symptoms and a verdict: pure functions on what one run logged (docs/method.md, docs/symptoms.md)."""

from typing import TYPE_CHECKING, Any

from sweep.judge.thresholds import SymptomThresholds

if TYPE_CHECKING:
    from sweep.judge.symptoms import RULES, find_symptoms
    from sweep.judge.verdict import judge, replay

__all__ = ["RULES", "SymptomThresholds", "find_symptoms", "judge", "replay"]


def __getattr__(name: str) -> Any:
    # lazily: the rules import numpy, and a plan needs only their thresholds
    if name in ("RULES", "find_symptoms"):
        from sweep.judge import symptoms

        return getattr(symptoms, name)
    if name in ("judge", "replay"):
        from sweep.judge import verdict

        return getattr(verdict, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
