"""The last layer compared with the loss."""

from sweep.domain.metric_names import WATCH
from sweep.domain.verdict import Symptom
from sweep.judge.symptoms.evidence import Evidence, is_cross_entropy, make_symptom
from sweep.judge.symptoms.inputs import is_regression


def head_and_loss(evidence: Evidence) -> list[Symptom]:
    """Return a last layer that does not match the loss.

    That is a softmax or sigmoid before a loss that already applies it, a softmax over one unit, ReLU or sigmoid on the
    logits, or a regression loss for classes.
    """
    head, names = evidence.text("head"), evidence.loss_names
    units = evidence.number("head_units")
    kind = head.lower()
    applies_softmax = any(is_cross_entropy(name) and "use_softmax=false" not in name for name in names)
    applies_sigmoid = any("with_logits" in name for name in names)
    message = ""
    if "softmax" in kind and units == 1:
        message = f"the last layer is {head} over one unit: its output is always 1"
    elif "softmax" in kind and applies_softmax:
        message = f"the last layer is {head}, but the loss already applies softmax, so it is applied twice"
    elif kind in ("relu", "relu6", "sigmoid") and applies_softmax:
        message = f"the last layer is {head}: it restricts the range of the logits"
    elif kind == "sigmoid" and applies_sigmoid:
        message = f"the last layer is {head}, but the loss already applies it, so it is applied twice"
    elif names and is_regression(evidence) and evidence.is_classification:
        message = f"the task is a classification, but its loss is {names[0]}"
    return [make_symptom("head_and_loss", WATCH + "head", 0, 1.0, 0.0, message)] if message else []
