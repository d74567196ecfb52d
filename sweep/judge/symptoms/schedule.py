"""The learning rate's schedule."""

from sweep.domain.names import WATCH
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, make_symptom


def scheduler_inert(evidence: Evidence) -> list[Symptom]:
    """Return a scheduler that has not been stepped once by half of the budget."""
    name, steps = evidence.text("scheduler"), evidence.number("scheduler_steps")
    rates = evidence.watched("lr")
    # How often it was stepped is told where layers are sampled.
    last = max((int(series.steps[-1]) for _, series in evidence.layers("weight_std")), default=0)
    if not name or steps is None or steps > 0 or not len(rates):
        return []
    if last < evidence.thresholds.scheduler_after * evidence.target.budget_steps:
        return []
    message = f"{name} is never stepped: the learning rate stays {rates.values[-1]:.3g}"
    return [make_symptom("scheduler_inert", WATCH + "scheduler", last, steps, 1.0, message)]
