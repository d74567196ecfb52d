"""Whether the gradient reaches the weights: faults of the code, which no setting fixes."""

from typing import cast

import numpy as np

from sweep.domain.metric_names import WATCH
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, as_float, finite, make_symptom

_REACH = {
    "no_gradient": "never get a gradient",
    "not_optimized": "were not passed to the optimizer",
}


def no_gradient(evidence: Evidence) -> list[Symptom]:
    """Return trainable parameters that had no gradient in three samples, and those that no optimizer has.

    `value` is their number. Frozen parameters (`stop_gradient`) do not count.
    """
    found = []
    for fact, what in _REACH.items():
        seen = evidence.described(fact)
        count, layers = (
            as_float(seen.get("parameters")),
            [str(layer) for layer in cast("list[object]", seen.get("layers", ()))],
        )
        if not count > 0 or not layers:
            continue
        more = f" and {seen['more']} more" if seen.get("more") else ""
        message = f"{count:g} of {seen.get('of')} trainable parameters {what} (layer {', '.join(layers)}{more})"
        step = int(as_float(seen.get("step", 0)))
        found.append(make_symptom("no_gradient", f"{WATCH}{fact}/{layers[0]}", step, count, 0.0, message))
    return found


def gradient_not_cleared(evidence: Evidence) -> list[Symptom]:
    """Return the step since which each step has added its gradient to that of the step before, never cleared.

    Gradient accumulation clears every few steps, which restarts the count.
    """
    series = finite(evidence.series.get(WATCH + "uncleared", evidence.watched("uncleared")))
    if (
        not len(series)
        or series.values[-1] < evidence.thresholds.uncleared_steps
        or (np.diff(series.values) <= 0).any()
    ):
        return []
    step = int(series.steps[0] - series.values[0] + 1)
    looks = f"{series.values[-1]:,.0f} steps"
    message = f"from step {step} on the gradient is never cleared ({looks}): each step adds to the sum of all before"
    limit = evidence.thresholds.uncleared_steps
    return [make_symptom("gradient_not_cleared", WATCH + "uncleared", step, series.values[-1], limit, message)]
