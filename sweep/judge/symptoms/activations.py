"""Units that no longer respond to their input."""

from sweep.domain.metric_names import WATCH
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, finite, first_run, make_symptom


def dead_relu(evidence: Evidence) -> list[Symptom]:
    """Return the first layer in which over half of the ReLU units are active in under 1 % of cases, in 3 samples."""
    return _first(evidence, "dead_relu", "dead", evidence.thresholds.dead_share, "ReLU units are hardly ever active")


def saturation(evidence: Evidence) -> list[Symptom]:
    """Return the first layer in which over half of the sigmoid or tanh inputs are outside [-5, 5], in 3 samples."""
    limit = evidence.thresholds.saturated_share
    return _first(evidence, "saturation", "saturated", limit, "sigmoid or tanh inputs are outside -5 to 5")


def _first(evidence: Evidence, rule: str, name: str, limit: float, words: str) -> list[Symptom]:
    seen = []
    layers = evidence.layers(name)
    for place, (layer, logged) in enumerate(layers):
        series = finite(logged)
        at = first_run(series.values > limit, evidence.thresholds.checks)
        if at is not None:
            seen.append((int(series.steps[at]), place, layer, float(series.values[at])))
    if not seen:
        return []
    step, _, layer, value = min(seen)
    more = f" (and in {len(seen) - 1} more of {len(layers)} layers)" if len(seen) > 1 else ""
    message = f"{100 * value:.0f} % of the {words} in {evidence.layer_text(layer)}{more}"
    return [make_symptom(rule, f"{WATCH}{name}/{layer}", step, value, limit, message)]
