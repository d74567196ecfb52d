"""Trials around a suggested learning rate: which rates are tried, and whether they confirm it. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from sweep.analysis.checks.lr_range import overrides_for, rounded
from sweep.domain.axis import Axis, Level, Toggle
from sweep.domain.checked import CheckResult
from sweep.domain.lr_range import RateConfirmation, RateRange, TriedRate
from sweep.domain.plural import share_text
from sweep.domain.result import RangeTestResult
from sweep.domain.states import OPEN_STATES
from sweep.domain.trial import Outcome

AXIS = "lr"
FACTORS = (1 / 3, 1.0, 3.0)
"""The rates tried, as multiples of the suggested rate (the point)."""
PREFERENCE = (1.0, 1 / 3, 3.0)
"""If several rates converge on the same share of seeds, the first of these is recommended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One rate that is tried: `factor` times the point, and the overrides that set it."""

    factor: float
    lr: float
    overrides: tuple[str, ...]

    @property
    def level(self) -> str:
        """The name of its level on the axis `lr`."""
        return f"{self.lr:g}"


def rates_of(found: RateRange, task: Mapping[str, object]) -> tuple[Rate, ...]:
    """Return the rates to try around the point of a range test, ascending; none if the task has no key for a rate."""
    if found.point is None or not found.overrides:
        return ()
    rates = [(factor, rounded(found.point * factor)) for factor in FACTORS]
    return tuple(Rate(factor=factor, lr=lr, overrides=overrides_for(lr, found.base_lr, task)) for factor, lr in rates)


def axis_of(rates: Sequence[Rate]) -> Axis:
    """Return the axis with a level for each rate."""
    return Axis(name=AXIS, levels=tuple(Level(name=rate.level, overrides=rate.overrides) for rate in rates))


def read_confirmation(rates: Sequence[Rate], outcomes: Sequence[Outcome], base_lr: float | None) -> CheckResult:
    """Return which of the rates converge, and the overrides of the recommended one; empty if none is recommended.

    Recommended is the rate that converges on the largest share of seeds, and the point itself if no other does better.
    None is recommended if the task's own rate does better than all, or while trials are open.
    """
    rows = [_row(rate, outcomes) for rate in rates]
    base = [outcome for outcome in outcomes if outcome.cell.is_base and outcome.is_evidence]
    own = _counted(TriedRate(factor=None, lr=base_lr, level="base"), base)
    is_open = any(outcome.state in OPEN_STATES for outcome in outcomes)
    ranked = sorted(range(len(rows)), key=lambda i: (-rows[i].share, PREFERENCE.index(rates[i].factor)))
    best = next((i for i in ranked if rows[i].converged and rows[i].share >= own.share), None)
    best = None if is_open else best
    found = RateConfirmation(
        confirmed=best is not None and rows[best].converged == rows[best].trials,
        recommended_lr=None if best is None else rates[best].lr,
        soonest_lr=_soonest(rows),
        rates=tuple(replace(row, is_recommended=index == best) for index, row in enumerate([*rows, own])),
    )
    return CheckResult(
        is_ok=True,
        answer=f"Not confirmed yet: {_tried(rows)}." if is_open else _answer(found),
        section=found,
        overrides=() if best is None else rates[best].overrides,
    )


def range_test_result(tests: CheckResult, confirmation: CheckResult | None, *, is_asked: bool) -> RangeTestResult:
    """Return the result of range tests and their confirmation; `is_asked`: whether confirmation was requested."""
    whole = tests
    if confirmation is not None:
        whole = replace(confirmation, answer=f"{tests.answer} {confirmation.answer}", notes=tests.notes)
    elif tests.overrides and not is_asked:
        whole = replace(tests, notes=(*tests.notes, "Not confirmed by trials (confirm is null)."))
    return RangeTestResult(tests=tests, confirmation=confirmation, whole=whole)


def _row(rate: Rate, outcomes: Sequence[Outcome]) -> TriedRate:
    toggle = Toggle(AXIS, rate.level)
    mine = [outcome for outcome in outcomes if toggle in outcome.cell.toggles and outcome.is_evidence]
    return _counted(TriedRate(factor=rate.factor, lr=rate.lr, level=rate.level), mine)


def _counted(rate: TriedRate, outcomes: Sequence[Outcome]) -> TriedRate:
    """Return the rate with its trials, how many converged, and their median steps to target."""
    taus = [outcome.tau for outcome in outcomes if outcome.converged and outcome.tau is not None]
    return replace(
        rate,
        trials=len(outcomes),
        converged=sum(outcome.converged for outcome in outcomes),
        steps_to_target=median(taus) if taus else None,
    )


def _soonest(rows: Sequence[TriedRate]) -> float | None:
    """Return the rate that reached the target first, of those that reached it on every seed."""
    whole = [
        (row.steps_to_target, row.lr)
        for row in rows
        if row.trials and row.converged == row.trials and row.steps_to_target is not None and row.lr is not None
    ]
    return min(whole, key=lambda pair: pair[0])[1] if whole else None


def _tried(rows: Sequence[TriedRate]) -> str:
    return ", ".join(f"{row.lr:g} ({row.converged}/{row.trials})" for row in rows)


def _converge(row: TriedRate) -> str:
    verb = "converges" if row.trials == 1 else "converge"
    return f"{share_text(row.converged, row.trials, 'seed')} {verb}"


def _answer(found: RateConfirmation) -> str:
    *rows, own = found.rates
    best = next((row for row in rows if row.is_recommended), None)
    tried = _tried(rows)
    if best is None and own.converged:
        return (
            f"Not confirmed: the task's own rate does better ({_converge(own)}) than those around the suggested one: "
            f"{tried}."
        )
    if best is None:
        return (
            f"Not confirmed: none of the rates around it converges within the task's budget: {tried}. The learning "
            "rate alone is not the cause."
        )
    of = _converge(best)
    if best.factor != 1.0:
        point = next(row for row in rows if row.factor == 1.0)
        words = (
            f"Better at {best.lr:g}: {of} after {best.steps_to_target:g} steps (median), against "
            f"{point.converged} of {point.trials} at the suggested rate."
        )
    else:
        kind = "Confirmed" if found.confirmed else "Partly confirmed"
        words = f"{kind}: at {best.lr:g}, {of} after {best.steps_to_target:g} steps (median)."
    if found.soonest_lr is not None and found.soonest_lr != best.lr:
        steps = next(row.steps_to_target for row in rows if row.lr == found.soonest_lr)
        words += f" Fastest is {found.soonest_lr:g}, after {steps:g} steps."
    return words
