"""What the trials of a probe showed: one module per probe (sweep.domain.check.CheckName), pure functions.

Each has `read_probe(trials, context) -> CheckResult`; `trials` are those that have ended, in the order
of their numbers.
"""

from collections.abc import Sequence
from importlib import import_module

from sweep.domain.check import CheckContext, CheckResult, CheckTrial


def read_probe(trials: Sequence[CheckTrial], context: CheckContext) -> CheckResult:
    """Return what these trials showed, by the module of their probe."""
    module = import_module(f"sweep.analysis.probes.{context.probe.name}")
    result: CheckResult = module.read_probe(trials, context)
    return result
