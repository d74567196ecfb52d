"""Series to symptoms to verdict: pure functions over what one run logged (docs/method.md, docs/symptoms.md)."""

from sweep.judge.symptoms import RULES, find_symptoms
from sweep.judge.thresholds import SymptomThresholds
from sweep.judge.verdict import judge, replay

__all__ = ["RULES", "SymptomThresholds", "find_symptoms", "judge", "replay"]
