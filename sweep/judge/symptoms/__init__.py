"""Symptom rules: what one run shows, one function per rule (docs/symptoms.md).

All rules look at finite values only, except `non_finite`. A rule reports nothing if the run lacks its series or facts.
"""

from collections.abc import Callable

import numpy as np

from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.activations import dead_relu, saturation
from sweep.judge.symptoms.course import oscillating, slow
from sweep.judge.symptoms.evidence import Evidence, smoothed
from sweep.judge.symptoms.fit import fits_yet_fails, over_regularised, overfit
from sweep.judge.symptoms.gradients import exploding_gradient, gradient_spikes, vanishing_gradient
from sweep.judge.symptoms.inputs import input_scale, labels, target_scale
from sweep.judge.symptoms.logging import returned, steps, units
from sweep.judge.symptoms.loss import blow_up, flat, wrong_initial_loss
from sweep.judge.symptoms.reach import gradient_not_cleared, no_gradient
from sweep.judge.symptoms.schedule import rate_gone, scheduler_inert
from sweep.judge.symptoms.structure import head_and_loss
from sweep.judge.symptoms.values import non_finite
from sweep.judge.symptoms.weights import frozen_parameter, symmetric_weights, update_ratio

__all__ = ["RULES", "Evidence", "find_symptoms", "smoothed"]

Rule = Callable[[Evidence], list[Symptom]]

LOGGED: tuple[Rule, ...] = (
    non_finite, blow_up, wrong_initial_loss, flat, oscillating, slow, overfit, fits_yet_fails, steps, units, returned,
)  # fmt: skip
"""Rules that may need only what a task logs itself."""

WATCHED: tuple[Rule, ...] = (
    exploding_gradient, gradient_spikes, vanishing_gradient, frozen_parameter, update_ratio, dead_relu, saturation,
    symmetric_weights, over_regularised, input_scale, target_scale, labels, head_and_loss, scheduler_inert,
    no_gradient, gradient_not_cleared, rate_gone,
)  # fmt: skip
"""Rules that need the monitor's record."""

RULES: dict[str, Rule] = {rule.__name__: rule for rule in (*LOGGED, *WATCHED)}


def find_symptoms(evidence: Evidence) -> tuple[Symptom, ...]:
    """Return all symptoms, earliest first."""
    rules = (*LOGGED, *WATCHED) if evidence.is_watched else LOGGED
    with np.errstate(over="ignore", invalid="ignore"):  # differences and products of extreme values overflow
        found = [symptom for rule in rules for symptom in rule(evidence)]
    return tuple(sorted(found, key=lambda s: (s.step, s.rule, s.metric)))
