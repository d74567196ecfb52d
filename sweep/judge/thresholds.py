"""Thresholds of the symptom rules. The fields are the keys of `symptoms:` in the config."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SymptomThresholds:
    """The defaults are published values; those marked ours avoid false alarms on healthy runs (docs/symptoms.md)."""

    # the whole run
    warm_up: float = 0.1  # ours: share of the budget in which flat and swings are not checked
    learnt_loss: float = 0.1  # ours: below this share of its first value a loss is learnt; its gradient says nothing
    active_rate: float = 0.1  # ours: share of the highest learning rate below which small steps are intended
    checks: int = 3  # number of consecutive samples in which a layer must show something (SageMaker Debugger)
    # loss
    blow_up_best: float = 4.0  # smoothed loss / its best (fastai, Lightning)
    blow_up_first: float = 1e3  # loss / its first value (AutoTrainer)
    blow_up_floor: float = 0.25  # ours: below this share of its first value a loss has not blown up but wobbles near 0
    initial_loss: float = 1.0  # abs(first loss - entropy of a guess) / that entropy (TheDeepChecker)
    initial_loss_nats: float = 2.0  # ours: and at least this far from it
    flat_fall: float = 1e-3  # relative fall of the loss per window (SageMaker Debugger)
    flat_window_steps: int = 10
    flat_window_fraction: float = 0.01  # of the budget; the window is the longer of the two
    flat_stretch: float = 0.5  # ours: share of the run, up to its end, that must be flat
    flat_points: int = 10  # ours: with fewer points a slope is meaningless
    # course
    oscillation_smoothness: float = 0.5  # share of changes that keep their sign (TheDeepChecker)
    oscillation_points: int = 50
    oscillation_amplitude: float = 1.0  # ours: median change / median loss; white noise alone has a smoothness of 1/3
    oscillation_floor: float = 0.1  # ours: as blow_up_floor, for the median loss of the points
    swing: float = 0.03  # change of a metric in [0, 1] from one evaluation to the next (AutoTrainer)
    swing_share: float = 0.2  # of the evaluations; ours: up as often as down, since a healthy metric rises
    swing_evaluations: int = 10  # ours: with fewer evaluations a share is meaningless
    slow_after: float = 0.3  # share of the budget from which the pace is measured (AutoTrainer)
    slow_until: float = 0.8  # ours: a run that ended before this share of its budget was not too slow
    slow_evaluations: int = 5  # ours: with fewer evaluations a slope is meaningless
    slow_far: float = 20.0  # ours: a target this many budgets away is not approached at all
    # training against validation
    dropout: float = 0.5  # (UMLAUT)
    decay_share: float = 1.0  # ours: norm of the decay gradient / norm of the data gradient, and growing
    decay_some: float = 0.1  # ours: above this share there is some regularisation
    regularised_gap: float = 0.1  # (validation - training) / training up to which the two are equally good
    overfit_gap: float = 0.1  # (SageMaker Debugger)
    overfit_rise: float = 1.2  # ours: validation loss / its best
    overfit_evaluations: int = 6  # ours
    fits_loss: float = 0.1  # ours: smoothed training loss / its first value, or a guess's, up to which the model fits
    chance_share: float = 0.2  # ours: share of the way from chance to target up to which a metric is at chance
    # what is logged
    epochs_share: float = 0.25  # ours: steps 1, 2, 3, ... that end below this share of the budget may be epochs
    beyond: float = 1.2  # ours: last logged step / budget
    # gradients
    gradient_norm: float = 1e5  # (AutoTrainer)
    gradient_growth: float = 70.0  # first layer / last layer (AutoTrainer)
    gradient_growth_floor: float = 1e-3  # ours: minimum mean gradient of the first layer for growth to matter
    gradient_tiny: float = 1e-7  # mean absolute gradient of a layer (SageMaker Debugger)
    gradient_fade: float = 1e-3  # first layer / last layer (AutoTrainer), if the first is also
    gradient_small: float = 1e-4  # below this
    spike_window: int = 10  # ours: number of samples that a spike is compared with
    spike_spreads: float = 10.0  # ours: median absolute deviations above their median
    spike_factor: float = 5.0  # ours: and at least this many times their median
    clipped_share: float = 0.5  # of the updates (tuning playbook)
    uncleared_steps: int = 10  # ours: number of consecutive steps that add to the gradient of the step before
    # weights and units
    frozen_ratio: float = -7.0  # ours: log10(norm(dW) / norm(W)) of one step; float32 resolves 1.2e-7
    ratio_low: float = -4.0  # log10(norm(dW) / norm(W)) (TheDeepChecker)
    ratio_high: float = -1.0
    ratio_points: int = 5  # ours: with fewer samples there is no typical step
    dead_share: float = 0.5  # of a layer's units (SageMaker Debugger)
    saturated_share: float = 0.5  # (DeepDiagnosis)
    # inputs and targets
    input_extent: float = 2.0  # ours: largest absolute value; [-1, 1] with room for augmentation
    input_std: float = 2.0  # ours: unit variance means a standard deviation from 1 / this to this
    target_size: float = 10.0  # ours: mean or standard deviation of a regression target
    # schedule
    scheduler_after: float = 0.5  # ours: share of the budget by which a scheduler must have been stepped
    gone_rate: float = 1e-3  # ours: learning rate / its highest up to which it counts as zero
    gone_before: float = 0.5  # ours: share of the budget from which on a decay to the end is normal

    @classmethod
    def of(cls, items: Mapping[str, float]) -> "SymptomThresholds":
        """Return the defaults with these values replaced. Raises TypeError for an unknown name."""
        whole = {field.name for field in fields(cls) if field.type in (int, "int")}
        given: dict[str, Any] = {name: round(value) if name in whole else value for name, value in items.items()}
        return cls(**given)

    @classmethod
    def recorded(cls, items: Mapping[str, float]) -> "SymptomThresholds":
        """Return the thresholds that a study recorded.

        Thresholds of rules that no longer exist, recorded by an earlier version, are ignored.
        """
        known = {field.name for field in fields(cls)}
        return cls.of({name: value for name, value in items.items() if name in known})
