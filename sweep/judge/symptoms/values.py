"""Values that are NaN or infinite."""

from dataclasses import replace

import numpy as np

from sweep.domain.metric_names import WATCH
from sweep.domain.roles import training_loss_of
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import NOTHING, Evidence, as_float, make_symptom

SHOWN = 3
"""Number of places of the same NaN that a message lists."""

_SEEN_IN = {"input": "inputs", "gradient": "grad_abs", "weight": "weight_std", "activation": "bad", "loss": "loss"}
"""The metric for each place in which the monitor can see the first bad value; the advice depends on it."""


def non_finite(evidence: Evidence) -> list[Symptom]:
    """Return the first NaN or infinity of the loss, a gradient, a weight, or the target's metric.

    If the monitor saw where it began, there is one finding about that place, however far it spread. Otherwise there is
    one per logged metric, and one for the first layer affected.
    """
    logged, watched, origin = _in_logged(evidence), _in_layers(evidence), evidence.described("first_bad")
    place = _SEEN_IN.get(str(origin.get("what")))
    if place is None:
        return (logged if watched else _of_metric_alone(evidence, logged) or logged) + watched
    step = int(as_float(origin.get("step", 0)))
    earlier = [s for s in logged if s.step < step]
    spread = [s for s in (*watched, *logged) if s not in earlier]
    layer = str(origin.get("layer") or "")
    message = "; ".join([*(s.message for s in spread[:SHOWN]), _began(evidence, origin)])
    name = f"{WATCH}{place}/{layer}" if layer else WATCH + place
    value = spread[0].value if spread else np.nan
    return [*earlier, make_symptom("non_finite", name, step, value, 0.0, message)]


def _in_logged(evidence: Evidence) -> list[Symptom]:
    found = []
    for name, series in sorted(evidence.series.items()):
        last = name.rpartition("/")[2].lower()
        is_ours = name in evidence.role_names or "grad" in last or ("weight" in last and "loss" not in last)
        if name.startswith(WATCH) or not is_ours:
            continue
        bad = ~np.isfinite(series.values)
        if bad.any():
            at = int(np.argmax(bad))
            value = float(series.values[at])
            found.append(make_symptom("non_finite", name, series.steps[at], value, np.inf, f"{name} is {value}"))
    return found


def _of_metric_alone(evidence: Evidence, found: list[Symptom]) -> list[Symptom]:
    """Return the one finding about the metric if a loss beside it is finite: the evaluation may be the cause."""
    metric, loss = evidence.target.metric, training_loss_of(evidence.target, evidence.series)
    if [symptom.metric for symptom in found] != [metric] or loss is None or loss == metric:
        return []
    series = evidence.series.get(loss, NOTHING)
    if not len(series) or not np.isfinite(series.values).all():
        return []
    message = f"{found[0].message} while {loss} is finite"
    return [replace(found[0], metric=WATCH + "metric", message=message)]


def _in_layers(evidence: Evidence) -> list[Symptom]:
    seen = []
    for place, (layer, series) in enumerate(evidence.layers("bad")):
        bad = series.values > 0
        if bad.any():
            at = int(np.argmax(bad))
            seen.append((int(series.steps[at]), place, layer, float(series.values[at])))
    if seen:
        step, _, layer, count = min(seen)
        message = f"{evidence.layer_text(layer)} has {count:,.0f} NaN or infinite values in weight and gradient"
        return [make_symptom("non_finite", f"{WATCH}bad/{layer}", step, count, 0.0, message)]
    norm = evidence.series.get(WATCH + "grad_norm", NOTHING)
    bad = ~np.isfinite(norm.values)
    if not bad.any():
        return []
    at = int(np.argmax(bad))
    value = float(norm.values[at])
    message = f"the norm of the gradient is {value}"
    return [make_symptom("non_finite", WATCH + "grad_norm", norm.steps[at], value, np.inf, message)]


def _began(evidence: Evidence, origin: dict[str, object]) -> str:
    where = f" of {evidence.layer_text(str(origin['layer']))}" if origin.get("layer") else ""
    where += ", with all layers finite" if origin["what"] == "loss" else ""
    return f"it began in the {origin['what']}{where}"
