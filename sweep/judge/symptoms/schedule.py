"""The learning rate's schedule."""

import numpy as np

from sweep.domain.metric_names import WATCH
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, make_symptom


def scheduler_inert(evidence: Evidence) -> list[Symptom]:
    """Return a scheduler that has not been stepped once by half of the budget."""
    name, steps = evidence.text("scheduler"), evidence.number("scheduler_steps")
    rates = evidence.watched("lr")
    # The number of its steps is recorded when layers are sampled.
    last = max((int(series.steps[-1]) for _, series in evidence.layers("weight_std")), default=0)
    if not name or steps is None or steps > 0 or not len(rates):
        return []
    if last < evidence.thresholds.scheduler_after * evidence.target.budget_steps:
        return []
    message = f"{name} is never stepped: the learning rate stays at {rates.values[-1]:.3g}"
    return [make_symptom("scheduler_inert", WATCH + "scheduler", last, steps, 1.0, message)]


def rate_gone(evidence: Evidence) -> list[Symptom]:
    """Return since when, from before half of the budget to the end, the rate is under 1/1,000 of its highest, or 0.

    A warm-up from 0 and a schedule with restarts rise again, and are not reported. Neither is a run that holds its
    target.
    """
    limits, rates = evidence.thresholds, evidence.watched("lr")
    if len(rates) < limits.checks or evidence.is_held:
        return []
    highest = float(rates.values.max())
    is_gone = rates.values <= limits.gone_rate * highest
    if not is_gone[-limits.checks :].all():
        return []
    first = int(len(rates) - np.argmin(is_gone[::-1])) if not is_gone.all() else 0
    step = int(rates.steps[first])
    if step >= limits.gone_before * evidence.target.budget_steps:
        return []
    last = float(rates.values[-1])
    fall = "it is 0 throughout" if highest == 0 else f"it is {last:.2g}, its highest value was {highest:.2g}"
    name = evidence.text("scheduler")
    message = (
        f"the learning rate is near zero from step {step} on ({name}): {fall}" if name else f"the learning rate: {fall}"
    )
    return [make_symptom("rate_gone", WATCH + "lr", step, last, limits.gone_rate * highest, message)]
