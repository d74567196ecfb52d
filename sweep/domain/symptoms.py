"""The catalogue of symptoms: what each rule's finding is called, what usually causes it, and which toggles test that.

Data only; the rules themselves are in judge/symptoms. Causes, toggles and their order are those of docs/symptoms.md.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sweep.domain.names import WATCH
from sweep.domain.words import StrEnum

MAX_FACTOR = 5.0
"""No symptom makes a toggle more than this many times as likely: a wrong rule must not bury the truth."""

ADVISORY_ABOVE = 0.01
"""A rule that speaks in more than this share of healthy runs is advisory: a hint, no ground for a conclusion."""


class Severity(StrEnum):
    """How much a finding says about whether the run can converge."""

    RED = "red"  # training cannot go well like this
    AMBER = "amber"  # often a cause, seen in runs that converge, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """In how many of so many healthy runs a rule spoke (results/benchmarks/symptoms.md)."""

    alarms: int
    runs: int

    @property
    def rate(self) -> float:
        """The share of healthy runs with an alarm, 0 to 1."""
        return self.alarms / self.runs if self.runs else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of one rule.

    `tests` are the toggles (axis=level) that test the causes, most promising first; an axis may not be there in every
    installation or task. `factor` is what the first of them gains in prior odds, 1 to MAX_FACTOR; those after it less.
    """

    rule: str
    title: str
    causes: str
    tests: tuple[str, ...]
    factor: float
    severity: Severity
    healthy: Healthy

    @property
    def advisory(self) -> bool:
        """Whether the rule speaks in so many healthy runs that it is a hint only."""
        return self.healthy.rate > ADVISORY_ABOVE

    def tests_among(self, axes: Collection[str]) -> tuple[str, ...]:
        """Return the toggles whose axis is one of these, most promising first."""
        return tuple(toggle for toggle in self.tests if toggle.partition("=")[0] in axes)


HEALTHY_RUNS = 217
"""Runs that the rates below were measured on: scripts/calibrate_symptoms.py."""

RED, AMBER = Severity.RED, Severity.AMBER


def _about(
    rule: str,
    title: str,
    causes: str,
    tests: str,
    factor: float,
    severity: Severity = AMBER,
    alarms: int = 0,
) -> About:
    return About(
        rule=rule,
        title=title,
        causes=causes,
        tests=tuple(tests.split()),
        factor=factor,
        severity=severity,
        healthy=Healthy(alarms=alarms, runs=HEALTHY_RUNS),
    )


_ALL = (
    _about(
        "non_finite",
        "Values become NaN or infinite",
        "a learning rate too high, exploding gradients, inputs of huge scale, log or division of 0, float16 overflow",
        "lr=x0.1 clip=on lr=x0.01 input_norm=standardize init=xavier init=kaiming loss=mean adam_eps=1e-4 amp=off",
        4.0,
        RED,
    ),
    _about(
        "blow_up",
        "The loss blows up",
        "a learning rate too high, no clipping, a target or input of large scale",
        "lr=x0.1 clip=on lr=x0.01 target_norm=standardize scheduler=warmup",
        5.0,
        RED,
    ),
    _about(
        "wrong_initial_loss",
        "The loss starts far from that of a guess",
        "weights drawn too large, inputs not normalised, a wrong loss or head",
        "init=xavier init=kaiming loss=single_softmax loss=mean input_norm=standardize",
        3.0,
        alarms=1,
    ),
    _about(
        "exploding_gradient",
        "The gradient explodes",
        "a learning rate too high, weights drawn too large, no clipping, unnormalised inputs or targets",
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
        "sigmoid or tanh in a deep network, weights drawn too small, saturated units",
        "activation=relu init=kaiming init=xavier input_norm=standardize lr=x10",
        5.0,
        RED,
    ),
    _about(
        "frozen_parameter",
        "Weights do not change",
        "parameters the optimizer was not given, a detached graph, weights all zero, a learning rate of 0",
        "optimizer=adam init=xavier init=kaiming lr=x10 scheduler=constant",
        3.0,
        RED,
    ),
    _about(
        "update_ratio",
        "The steps are too large or too small for the weights",
        "a learning rate too high (above -1) or too low (below -4), an unsuitable optimizer",
        "lr=x0.1 lr=x10 lr=x0.01 optimizer=adam adam_eps=1e-4",
        4.0,
    ),
    _about(
        "dead_relu",
        "Most ReLU units are dead",
        "a learning rate too high, biases driven far below 0, unnormalised inputs",
        "init=kaiming lr=x0.1 activation=leaky_relu input_norm=standardize lr=x0.01",
        4.0,
        RED,
    ),
    _about(
        "saturation",
        "Sigmoid or tanh units are saturated",
        "unnormalised inputs, weights drawn too large",
        "input_norm=standardize init=xavier activation=relu lr=x0.1",
        4.0,
    ),
    _about(
        "symmetric_weights",
        "A layer starts with all weights equal",
        "weights set to a constant: all units of the layer stay copies of each other",
        "init=xavier init=kaiming",
        5.0,
        RED,
    ),
    _about(
        "flat",
        "The loss does not fall",
        "a learning rate far too low or too high, a bad init, too much regularisation, labels that say nothing",
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
        "a learning rate too low, plain SGD where Adam is called for, too much regularisation",
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
        "too little data or regularisation for the size of the model, too long a training",
        "weight_decay=off dropout=off augmentation=off",
        1.5,
    ),
    _about(
        "input_scale",
        "The inputs are not normalised",
        "pixels of 0 to 255, raw features, missing values, an input that is constant",
        "input_norm=standardize lr=x0.1 init=xavier",
        4.0,
        RED,
    ),
    _about(
        "target_scale",
        "The regression target is far from unit scale",
        "a target in its raw units",
        "target_norm=standardize lr=x0.1 clip=on",
        4.0,
    ),
    _about(
        "labels",
        "The labels do not fit the model",
        "classes counted from 1, more classes than outputs, a label that stands for 'missing'",
        "",
        1.0,
        RED,
    ),
    _about(
        "head_and_loss",
        "Last layer and loss do not fit each other",
        "softmax before a loss that applies it itself, ReLU on logits, a mean squared error for classes",
        "loss=single_softmax loss=mean",
        5.0,
        RED,
    ),
    _about(
        "scheduler_inert",
        "The scheduler does nothing",
        "nobody calls its step, or it waits for an evaluation that never comes",
        "scheduler=cosine scheduler=warmup scheduler=constant lr=x0.1",
        3.0,
    ),
    _about(
        "steps",
        "The logged steps are not optimizer steps",
        "a counter of epochs, batches of an epoch, or samples; a counter that was resumed or restarts",
        "",
        1.0,
    ),
    _about(
        "units",
        "The metric and its target do not fit each other",
        "a metric in percent and a target as a share, or the reverse; the wrong converge.mode",
        "",
        1.0,
        RED,
    ),
    _about(
        "returned",
        "Results are returned instead of logged",
        "train ends with `return` where it should call run.log",
        "",
        1.0,
        RED,
    ),
)

LOGGING_RULES = frozenset({"steps", "units", "returned"})
"""Rules about how a task logs, and about its target: what they say comes before anything about the training."""

SYMPTOMS: dict[str, About] = {about.rule: about for about in _ALL}
"""Every rule's entry, by its name."""


def urgency(rule: str) -> tuple[bool, bool, bool]:
    """Return what findings are sorted by, the most telling first: about the logging, then red, amber, and hints."""
    about = SYMPTOMS.get(rule)
    is_other = rule not in LOGGING_RULES
    return (is_other, about.advisory, about.severity is Severity.AMBER) if about else (is_other, False, True)


def layer_of(metric: str) -> str:
    """Return the layer a metric is about (`watch/dead/features.0` -> `features.0`), empty where it is about none."""
    return metric.split("/", 2)[2] if metric.startswith(WATCH) and metric.count("/") > 1 else ""


def subject_of(metric: str) -> str:
    """Return a metric without its layer: what is the same finding in two runs, whichever layer each names first."""
    layer = layer_of(metric)
    return metric[: -len(layer) - 1] if layer else metric
