"""Everything to run, before a process starts: designs, composed trials with their fingerprints, the plan."""

from sweep.plan.compose import TrialComposer
from sweep.plan.designs import DESIGNS
from sweep.plan.plan import Plan, build_plan

__all__ = ["DESIGNS", "Plan", "TrialComposer", "build_plan"]
