"""The learning rate's schedule."""

from sweep.domain.names import WATCH
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, make_symptom


def scheduler_inert(evidence: Evidence) -> list[Symptom]:
    """Return a scheduler that was hardly ever asked to act by the time it should have been."""
    name, steps = evidence.text("scheduler"), evidence.number("scheduler_steps")
    rates = evidence.watched("lr")
    last = int(rates.steps[-1]) if len(rates) else 0
    if (
        not name
        or steps is None
        or steps > 0
        or last < evidence.thresholds.scheduler_after * evidence.target.budget_steps
    ):
        return []
    message = f"{name} is never stepped: the learning rate stays {rates.values[-1]:.3g}"
    return [make_symptom("scheduler_inert", WATCH + "scheduler", last, steps, 1.0, message)]
