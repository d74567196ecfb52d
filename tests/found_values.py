"""Made-up findings of stages: rankings, checks and range tests, with only what a test is about."""

from sweep.domain.axis import Cell, Toggle
from sweep.domain.checked import CheckResult
from sweep.domain.data_check import DataCheck, DataReport, Severity
from sweep.domain.effect import (
    BaseSummary,
    CellSummary,
    Cost,
    Effect,
    EffectStatus,
    Proportion,
    Question,
    Ranking,
    Repair,
    StepsToTarget,
)
from sweep.domain.lr_range import RateConfirmation, RateRange
from sweep.domain.overfit import GateTrial, GateVerdict, OverfitReport
from sweep.domain.result import RangeTestResult
from sweep.domain.verdict import Symptom

FREE = Cost(trials=0, planned=0, steps=0, base_run_equivalents=0.0, wall_s=0.0, reused=0)
NO_STEPS = StepsToTarget(median=None, base_median=None, saved=None, p_value=None)


def share(converged, trials=5):
    return Proportion(converged=converged, trials=trials, mean=0.5, low=0.0, high=1.0)


def symptom(rule, message="", step=7, metric=""):
    return Symptom(rule=rule, step=step, value=1.0, threshold=0.0, metric=metric, message=message)


def effect(name, status="undecided", p=None, *, adjusted=None, converged=0, trials=5, diverges=False, overrides=None):
    toggle = Toggle.parse(name)
    return Effect(
        toggle=toggle, rank=1, status=EffectStatus(status), sufficiency=share(converged, trials), necessity=None,
        p_value=p, p_adjusted=p if adjusted is None else adjusted, test="mcnemar", steps_to_target=NO_STEPS,
        more_seeds=None, seeds=(), makes_diverge=diverges,
        overrides=(f"task.{toggle.axis}=0",) if overrides is None else tuple(overrides),
    )  # fmt: skip


def ranking(*effects, base=None, verdicts=(), repairs=(), recommended=(), question="restore", answer="The answer."):
    """Return a ranking of these effects against a base of five trials, none of which converged."""
    base = base or BaseSummary(seeds=5, converged=0, verdict="diverged", symptoms=())
    cell = CellSummary(
        cell=Cell(), outcome=share(base.converged, base.seeds), verdicts=tuple(verdicts), median_tau=None
    )
    return Ranking(
        question=Question(question), base=base, effects=effects, interactions=(), cells=(cell,), cost=FREE,
        answer=answer, recommended=tuple(recommended),
        repairs=tuple(
            Repair(toggles=(Toggle.parse(name),), outcome=share(5), p_value=None, verified=True, overrides=())
            for name in repairs
        ),
    )  # fmt: skip


def base(converged=0, symptoms=(), verdict="diverged", *, seeds=3, verdicts=(), exceptions=(), answer="The answer."):
    summary = BaseSummary(
        seeds=seeds, converged=converged, verdict=verdict, symptoms=tuple(symptoms), exceptions=tuple(exceptions)
    )
    return ranking(base=summary, verdicts=verdicts, answer=answer)


def repaired(name="a=off", p=0.008, recommended=("task.a=0",)):
    return ranking(effect(name, "restores", p, converged=5), repairs=(name,), recommended=recommended)


def data(*checks, answer=""):
    """Return what the data check found: (name, severity, what was found)."""
    found = tuple(DataCheck(name=name, severity=Severity(level), found=text) for name, level, text in checks)
    return CheckResult(is_ok=True, answer=answer, section=DataReport(checks=found))


def gate(verdict, *, note="", loss_part=None):
    word = GateVerdict(verdict)
    trial = GateTrial(trial=0, seed=0, verdict=word, note=note, loss_part=loss_part)
    return CheckResult(is_ok=True, answer="", section=OverfitReport(verdict=word, trials=(trial,)))


def lr_range(point, base_lr, *, confirmed=True, overrides=("task.lr=1",)):
    found = RateRange(point=point, base_lr=base_lr, overrides=tuple(overrides), lr_min=1e-7, lr_max=10.0)
    tests = CheckResult(is_ok=True, answer="", section=found, overrides=tuple(overrides))
    tried = CheckResult(is_ok=True, answer="", section=RateConfirmation(confirmed=confirmed))
    return RangeTestResult(tests=tests, confirmation=tried, whole=tests)
