"""What the trials of a probe showed: one module per probe (sweep.domain.probe.ProbeName), pure functions.

Each has `read_probe(trials, context) -> ProbeResult`; `trials` are those that have ended, in the order
of their numbers.
"""

from collections.abc import Sequence
from importlib import import_module

from sweep.domain.probe import ProbeContext, ProbeResult, ProbeTrial


def read_probe(trials: Sequence[ProbeTrial], context: ProbeContext) -> ProbeResult:
    """Return what these trials showed, by the module of their probe."""
    module = import_module(f"sweep.analysis.probes.{context.probe.name}")
    result: ProbeResult = module.read_probe(trials, context)
    return result
