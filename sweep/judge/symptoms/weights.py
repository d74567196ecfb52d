"""The weights: their initial values, and how much a step changes them."""

import numpy as np

from sweep.domain.metric import Series
from sweep.domain.metric_names import WATCH
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, first_run, make_symptom
from sweep.judge.symptoms.gradients import while_learning


def frozen_parameter(evidence: Evidence) -> list[Symptom]:
    """Return the first layer that 3 checks in a row find unchanged, and the number of others, if the rate is not 0.

    `value` is log10(norm(dW) / norm(W)) of one step, minus infinity if nothing changed at all.
    """
    limits, seen = evidence.thresholds, []
    layers = evidence.layers("ratio")
    for place, (layer, series) in enumerate(layers):
        active = _active(
            evidence, Series(series.steps[~np.isnan(series.values)], series.values[~np.isnan(series.values)])
        )
        at = first_run(active.values < limits.frozen_ratio, limits.checks)
        if at is not None:
            seen.append((int(active.steps[at]), place, layer, float(active.values[at])))
    if not seen:
        return []
    step, _, layer, value = min(seen)
    if len(seen) == len(layers):
        message = f"no layer's weight changes from step {step} on"
    else:
        many = len(seen) > 1
        others = f" and {len(seen) - 1} more of {len(layers)} layers" if many else f", 1 of {len(layers)} layers,"
        verb = "are not changed" if many else "is not changed"
        message = f"the weight{'s' * many} of {evidence.layer_text(layer)}{others} {verb} by steps from {step} on"
    return [make_symptom("frozen_parameter", f"{WATCH}ratio/{layer}", step, value, limits.frozen_ratio, message)]


def update_ratio(evidence: Evidence) -> list[Symptom]:
    """Return a typical step of over a tenth, or under a ten thousandth, of the weights' norm, while the run learns."""
    limits, name = evidence.thresholds, WATCH + "update_ratio"
    series = while_learning(evidence, _active(evidence, evidence.watched("update_ratio")))
    if len(series) < limits.ratio_points:
        return []
    typical = float(np.median(series.values))
    if limits.ratio_low <= typical <= limits.ratio_high:
        return []
    limit = limits.ratio_high if typical > limits.ratio_high else limits.ratio_low
    out = series.values > limit if typical > limits.ratio_high else series.values < limit
    way = "far" if typical > limits.ratio_high else "little"
    message = f"a typical step changes the weights by {10**typical:.2g} of their norm: too {way}"
    return [make_symptom("update_ratio", name, series.steps[int(np.argmax(out))], typical, limit, message)]


def symmetric_weights(evidence: Evidence) -> list[Symptom]:
    """Return the first layer, except the last, whose weights all start equal.

    The last layer may start so: its units get different gradients from the loss.
    """
    prefix = f"{WATCH}initial_std/"
    weighted = [layer for layer, _ in evidence.layers("weight_std")]
    inner = [layer for layer in weighted[:-1] if prefix + layer in evidence.facts]
    if not inner:
        return []
    more = f" and of {len(inner) - 1} more" if len(inner) > 1 else ""
    message = f"all weights of {evidence.layer_text(inner[0])}{more} start at the same value"
    return [make_symptom("symmetric_weights", prefix + inner[0], 0, 0.0, 0.0, message)]


def _active(evidence: Evidence, series: Series) -> Series:
    """Return the points at which the learning rate was at least a tenth of its highest; all if it is not known.

    Small steps are intended at the start of a warm-up and at the end of a decay.
    """
    rates = evidence.watched("lr")
    if not len(rates) or not len(series):
        return series
    known = np.searchsorted(rates.steps, series.steps, side="right") - 1
    rate = rates.values[np.maximum(known, 0)]
    keep = rate >= evidence.thresholds.active_rate * rates.values.max()
    return Series(series.steps[keep], series.values[keep])
