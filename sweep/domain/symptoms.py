"""The catalogue of symptoms: the title of each rule's findings, their usual causes, and the toggles that test these.

Data only; the rules are in judge/symptoms. Causes, toggles and their order are those of docs/symptoms.md.
"""

from sweep.domain.metric_names import WATCH
from sweep.domain.symptom_entry import About, Fault, Healthy, Severity

HEALTHY_RUNS = 249
"""Number of healthy runs in which the alarms below were counted: scripts/calibrate_symptoms.py."""

RED, AMBER = Severity.RED, Severity.AMBER


def _about(
    rule: str,
    title: str,
    causes: str,
    tests: str,
    factor: float,
    severity: Severity = AMBER,
    alarms: int = 0,
    *,
    fault: Fault = Fault.SETTING,
    fix: str = "",
) -> About:
    return About(
        rule=rule,
        title=title,
        causes=causes,
        tests=tuple(tests.split()),
        factor=factor,
        severity=severity,
        healthy=Healthy(alarms=alarms, runs=HEALTHY_RUNS),
        fault=fault,
        fix=fix,
    )


_ALL = (
    _about(
        "non_finite",
        "Values become NaN or infinite",
        "a learning rate too high, exploding gradients, huge inputs, log of 0 or division by 0, float16 overflow",
        "lr=x0.1 clip=on lr=x0.01 input_norm=standardize init=xavier init=kaiming loss=mean adam_eps=1e-4 amp=off",
        4.0,
        RED,
    ),
    _about(
        "blow_up",
        "The loss blows up",
        "a learning rate too high, no clipping, inputs or targets of large scale",
        "lr=x0.1 clip=on lr=x0.01 target_norm=standardize scheduler=warmup",
        5.0,
        RED,
    ),
    _about(
        "wrong_initial_loss",
        "The loss starts far from chance level",
        "initial weights too large, inputs not normalised, a wrong loss or head",
        "init=xavier init=kaiming loss=single_softmax loss=mean input_norm=standardize",
        3.0,
        alarms=1,
    ),
    _about(
        "exploding_gradient",
        "The gradient explodes",
        "a learning rate too high, initial weights too large, no clipping, unnormalised inputs or targets",
        "clip=on lr=x0.1 init=xavier init=kaiming input_norm=standardize target_norm=standardize",
        5.0,
        RED,
    ),
    _about(
        "gradient_spikes",
        "The gradient has spikes",
        "no clipping, no warm-up, a learning rate too high, single bad batches",
        "clip=on scheduler=warmup lr=x0.1",
        3.0,
    ),
    _about(
        "vanishing_gradient",
        "The gradient vanishes",
        "sigmoid or tanh in a deep network, initial weights too small, saturated units",
        "activation=relu init=kaiming init=xavier input_norm=standardize lr=x10",
        5.0,
        RED,
    ),
    _about(
        "frozen_parameter",
        "Weights do not change",
        "parameters not passed to the optimizer, a detached graph, weights all zero, a learning rate of 0",
        "optimizer=adam init=xavier init=kaiming lr=x10 scheduler=constant",
        3.0,
        RED,
    ),
    _about(
        "update_ratio",
        "Updates are too large or too small for the weights",
        "a learning rate too high (above -1) or too low (below -4), an unsuitable optimizer",
        "lr=x0.1 lr=x10 lr=x0.01 optimizer=adam adam_eps=1e-4",
        4.0,
    ),
    _about(
        "dead_relu",
        "Most ReLU units are dead",
        "a learning rate too high, strongly negative biases, unnormalised inputs",
        "init=kaiming lr=x0.1 activation=leaky_relu input_norm=standardize lr=x0.01",
        4.0,
        RED,
    ),
    _about(
        "saturation",
        "Sigmoid or tanh units are saturated",
        "unnormalised inputs, initial weights too large",
        "input_norm=standardize init=xavier activation=relu lr=x0.1",
        4.0,
    ),
    _about(
        "symmetric_weights",
        "A layer starts with all weights equal",
        "weights set to a constant: all units of the layer stay identical",
        "init=xavier init=kaiming",
        5.0,
        RED,
    ),
    _about(
        "flat",
        "The loss does not fall",
        "a learning rate far too low or too high, a bad init, too much regularisation, uninformative labels",
        "lr=x10 lr=x0.1 init=kaiming init=xavier weight_decay=off dropout=off optimizer=adam",
        3.0,
        RED,
    ),
    _about(
        "oscillating",
        "The training oscillates",
        "a learning rate too high, batches too small or in a bad order, no decay of the learning rate",
        "lr=x0.1 batch_size=x4 shuffle=on scheduler=cosine lr=x0.01",
        4.0,
    ),
    _about(
        "slow",
        "The training is too slow for its budget",
        "a learning rate too low, plain SGD where Adam is needed, too much regularisation",
        "optimizer=adam lr=x10 init=kaiming dropout=off",
        4.0,
    ),
    _about(
        "over_regularised",
        "Regularisation holds the training back",
        "dropout, weight decay or augmentation too strong: training and validation are equally bad",
        "weight_decay=off dropout=off augmentation=off",
        4.0,
    ),
    _about(
        "overfit",
        "The model overfits",
        "too little data or regularisation for the size of the model, training for too long",
        "weight_decay=off dropout=off augmentation=off",
        1.5,
    ),
    _about(
        "input_scale",
        "The inputs are not normalised",
        "pixels of 0 to 255, raw features, missing values, a constant input",
        "input_norm=standardize lr=x0.1 init=xavier",
        4.0,
        RED,
    ),
    _about(
        "target_scale",
        "The regression target is far from unit scale",
        "a target in raw units",
        "target_norm=standardize lr=x0.1 clip=on",
        4.0,
    ),
    _about(
        "labels",
        "The labels do not match the model",
        "classes counted from 1, more classes than outputs, a label that means 'missing'",
        "",
        1.0,
        RED,
        fault=Fault.DATA,
        fix="number the labels from 0 to outputs - 1, or pass the label to ignore to the loss as ignore_index",
    ),
    _about(
        "head_and_loss",
        "The last layer does not match the loss",
        "softmax before a loss that already applies it, ReLU on logits, mean squared error for classes",
        "loss=single_softmax loss=mean",
        5.0,
        RED,
    ),
    _about(
        "scheduler_inert",
        "The scheduler does nothing",
        "its step() is never called, or it waits for an evaluation that never happens",
        "scheduler=cosine scheduler=warmup scheduler=constant lr=x0.1",
        3.0,
    ),
    _about(
        "steps",
        "The logged steps are not optimizer steps",
        "a counter of epochs, batches of an epoch, or samples; a counter that was resumed or restarts",
        "",
        1.0,
        fault=Fault.LOGGING,
        fix="log at optimizer steps: a counter that starts at 1 and rises by one with each optimizer.step()",
    ),
    _about(
        "units",
        "The metric does not match its target",
        "a metric in percent and a target as a share, or the reverse; the wrong converge.mode",
        "",
        1.0,
        RED,
        fault=Fault.TARGET,
        fix="use one unit for the metric and converge.target, both a share or both in percent, and check converge.mode",
    ),
    _about(
        "returned",
        "Results are returned instead of logged",
        "train returns the results instead of calling run.log",
        "",
        1.0,
        RED,
        fault=Fault.LOGGING,
        fix="call run.log(step, ...) in train for each result",
    ),
    _about(
        "no_gradient",
        "Trainable parameters get no gradient",
        "a detach(), a numpy() or a no_grad() between layer and loss, a layer that forward does not use",
        "",
        1.0,
        RED,
        fault=Fault.CODE,
        fix="let these layers reach the loss without detach(), numpy() or no_grad(); set stop_gradient = True on those "
        "to freeze",
    ),
    _about(
        "gradient_not_cleared",
        "The gradient is never cleared",
        "the loop does not call clear_grad: each step uses the sum of all gradients so far",
        "",
        1.0,
        RED,
        fault=Fault.CODE,
        fix="call optimizer.clear_grad() after optimizer.step()",
    ),
    _about(
        "rate_gone",
        "The learning rate decays to zero too early",
        "a schedule counted in epochs but stepped per batch, a decay factor too strong, a rate of 0",
        "scheduler=constant scheduler=cosine lr=x10",
        5.0,
        RED,
    ),
    _about(
        "fits_yet_fails",
        "The model fits its training data, yet the metric stays at chance",
        "an evaluation over the wrong axis or rows, validation and training inputs prepared differently, labels in "
        "another order; or training labels that carry no information, memorised",
        "",
        1.0,
        RED,
        fault=Fault.CODE,
        fix="check the evaluation: the axis of its argmax, the order of its labels, the preprocessing of its inputs, "
        "model.eval()",
    ),
)

LOGGING_RULES = frozenset({"steps", "units", "returned"})
"""Rules about how a task logs, and about its target; their findings come before any about the training."""

SYMPTOMS: dict[str, About] = {about.rule: about for about in _ALL}
"""The entry of each rule, by its name."""

_NON_FINITE = (
    (
        WATCH + "inputs",
        _about(
            "non_finite",
            "The inputs contain NaN or infinity",
            "missing or invalid values in the data, a division by 0 or a logarithm of 0 in the preprocessing",
            "",
            1.0,
            RED,
            fault=Fault.DATA,
            fix="remove or replace the rows with NaN or infinity (+check=data finds them)",
        ),
    ),
    (
        WATCH + "grad_abs",
        _about(
            "non_finite",
            "The gradient becomes NaN or infinite",
            "exploding gradients, a learning rate too high, a root of 0 or division by 0, float16 overflow",
            "clip=on lr=x0.1 lr=x0.01 init=xavier init=kaiming loss=mean amp=off",
            4.0,
            RED,
        ),
    ),
    (
        WATCH + "weight_std",
        _about(
            "non_finite",
            "A weight becomes NaN or infinite",
            "a step too large, an Adam epsilon too small, or a NaN in the inputs of an earlier step (+check=data)",
            "lr=x0.1 clip=on lr=x0.01 adam_eps=1e-4 init=xavier init=kaiming amp=off",
            4.0,
            RED,
        ),
    ),
    (
        WATCH + "loss",
        _about(
            "non_finite",
            "The loss becomes NaN or infinite while all layers are finite",
            "a logarithm or root of 0 or a division by 0 in the loss itself, float16 overflow",
            "loss=mean amp=off lr=x0.1",
            4.0,
            RED,
            fault=Fault.CODE,
            fix="keep logarithms, roots and divisors away from 0 (paddle.clip(x, min=1e-8)), or use Paddle's loss",
        ),
    ),
)

_METRIC_ALONE = (
    (
        WATCH + "metric",
        _about(
            "non_finite",
            "The metric becomes NaN or infinite while the loss is finite",
            "an evaluation that overflows or divides by 0, a NaN logged at steps without an evaluation (leave it out "
            "there), a step so large that it has broken the weights",
            "lr=x0.1 clip=on lr=x0.01",
            2.0,
            RED,
        ),
    ),
)

_NO_GRADIENT = (
    (
        WATCH + "not_optimized",
        _about(
            "no_gradient",
            "The optimizer does not have all trainable parameters",
            "an optimizer made for a part of the model, before layers were added, or for another copy of it",
            "",
            1.0,
            RED,
            fault=Fault.CODE,
            fix="make the optimizer with parameters=model.parameters() once the model is complete; set stop_gradient = "
            "True on those to leave as they are",
        ),
    ),
)

KINDS: dict[str, About] = {
    f"{about.rule}@{subject}": about for subject, about in (*_NON_FINITE, *_METRIC_ALONE, *_NO_GRADIENT)
}
"""Entries for findings whose cause depends on where they were seen, by rule and the `subject_of` their metric."""


def kind_of(rule: str, metric: str) -> str:
    """Return the name of a finding's entry: its rule, or rule and subject for one of KINDS."""
    kind = f"{rule}@{subject_of(metric)}"
    return kind if kind in KINDS else rule


def about_of(kind: str, metric: str = "") -> About | None:
    """Return the entry of a finding, by its rule and metric or by its `kind_of`; None if the catalogue has none."""
    return KINDS.get(kind_of(kind, metric)) or KINDS.get(kind) or SYMPTOMS.get(kind)


def title_of(rule: str, metric: str = "") -> str:
    """Return what a rule's finding is called; the rule's name if it is not in the catalogue."""
    about = about_of(rule, metric)
    return about.title if about else rule.replace("_", " ").capitalize()


def urgency(rule: str, metric: str = "") -> tuple[bool, bool, bool, bool]:
    """Return the sort key of findings: logging first, hints last, settings after other faults, red before amber."""
    about, is_other = about_of(rule, metric), rule not in LOGGING_RULES
    if about is None:
        return is_other, False, True, True
    return is_other, about.advisory, about.fault is Fault.SETTING, about.severity is AMBER


def layer_of(metric: str) -> str:
    """Return the layer that a metric is about (`watch/dead/features.0` -> `features.0`), empty if none."""
    return metric.split("/", 2)[2] if metric.startswith(WATCH) and metric.count("/") > 1 else ""


def subject_of(metric: str) -> str:
    """Return a metric without its layer: the same for a finding in two runs, even if they name different layers."""
    layer = layer_of(metric)
    return metric[: -len(layer) - 1] if layer else metric
