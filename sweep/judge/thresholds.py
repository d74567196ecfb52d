"""What the symptom rules compare with. The fields are the keys of `symptoms:` in the config."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SymptomThresholds:
    """The defaults are METHOD 4's; those marked ours keep a rule silent on the mini-batch noise of a healthy run."""

    blow_up_best: float = 4.0  # smoothed loss / its best (fastai, Lightning)
    blow_up_first: float = 1e3  # loss / its first value (AutoTrainer)
    blow_up_floor: float = (
        0.25  # ours: a loss below this share of its first value has not blown up, it wobbles near zero
    )
    flat_fall: float = 1e-3  # relative fall of the loss per window (SageMaker Debugger)
    flat_window_steps: int = 10
    flat_window_fraction: float = 0.01  # of the budget; the window is the longer of the two
    flat_stretch: float = 0.5  # ours: share of the run, up to its end, that must be flat for the rule to speak
    flat_points: int = 10  # ours: fewer points say nothing about a slope
    warm_up: float = 0.1  # ours: share of the budget in which neither flat nor swings are looked for
    oscillation_smoothness: float = 0.5  # share of changes that keep their sign (TheDeepChecker)
    oscillation_points: int = 50
    oscillation_amplitude: float = 1.0  # ours: median change / median loss; white noise alone has a smoothness of 1/3
    oscillation_floor: float = 0.1  # ours: as blow_up_floor, for the median loss of the points
    swing: float = 0.03  # change of a metric in [0, 1] from one evaluation to the next (AutoTrainer)
    swing_share: float = 0.2  # of the evaluations; ours: up as often as down, since a healthy metric rises
    swing_evaluations: int = 10  # ours: fewer evaluations have no share to speak of
