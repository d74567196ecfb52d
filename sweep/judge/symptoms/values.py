"""Values that are no finite numbers."""

from dataclasses import replace

import numpy as np

from sweep.domain.names import WATCH
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import NOTHING, Evidence, make_symptom


def non_finite(evidence: Evidence) -> list[Symptom]:
    """Return, per series, the first NaN or infinity of the loss, a gradient, a weight, or the target's metric.

    Of the monitor's series only the first layer that went bad is named, or the gradient's norm where no layer was seen.
    Where it began is told of that, or where all of these stayed finite (log of a negative number) of the metric.
    """
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
    watched = _in_layers(evidence)
    if found and not watched:
        at = min(range(len(found)), key=lambda n: found[n].step)
        found[at] = replace(found[at], message=found[at].message + _began(evidence))
    return found + watched


def _in_layers(evidence: Evidence) -> list[Symptom]:
    seen = []
    for place, (layer, series) in enumerate(evidence.layers("bad")):
        bad = series.values > 0
        if bad.any():
            at = int(np.argmax(bad))
            seen.append((int(series.steps[at]), place, layer, float(series.values[at])))
    if seen:
        step, _, layer, count = min(seen)
        message = f"{evidence.layer_text(layer)} has {count:,.0f} NaN or infinite values in its weight and gradient"
        message += _began(evidence)
        return [make_symptom("non_finite", f"{WATCH}bad/{layer}", step, count, 0.0, message)]
    norm = evidence.series.get(WATCH + "grad_norm", NOTHING)
    bad = ~np.isfinite(norm.values)
    if not bad.any():
        return []
    at = int(np.argmax(bad))
    value = float(norm.values[at])
    message = f"the norm of the gradient is {value}"
    return [make_symptom("non_finite", WATCH + "grad_norm", norm.steps[at], value, np.inf, message)]


def _began(evidence: Evidence) -> str:
    """Return in words where the monitor saw the first of them, empty where it saw none."""
    origin = evidence.described("first_bad")
    if not origin.get("what"):
        return ""
    where = f" of {evidence.layer_text(str(origin['layer']))}" if origin.get("layer") else ""
    where += ", with all layers finite" if origin["what"] == "loss" else ""
    return f"; it began in the {origin['what']}{where}"
