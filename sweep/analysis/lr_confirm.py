"""Trials around a suggested learning rate: which are made, and what they say of it. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sweep.analysis.probes.lr_range import overrides_for, rounded
from sweep.domain.axis import Axis, Level, Toggle
from sweep.domain.counts import share_text
from sweep.domain.probe import ProbeResult
from sweep.domain.states import OPEN_STATES
from sweep.domain.trial import Outcome

AXIS = "lr"
FACTORS = (1 / 3, 1.0, 3.0)
"""The rates tried, as multiples of the point."""
PREFERENCE = (1.0, 1 / 3, 3.0)
"""Of rates that converge on as many seeds, the first of these is recommended."""


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


def rates_of(section: Mapping[str, Any], task: Mapping[str, Any]) -> tuple[Rate, ...]:
    """Return the rates to try around the point of a range test, ascending; none where the task has no key for it."""
    if section["point"] is None or not section["overrides"]:
        return ()
    rates = ((factor, rounded(section["point"] * factor)) for factor in FACTORS)
    return tuple(
        Rate(factor=factor, lr=lr, overrides=overrides_for(lr, section["base_lr"], task)) for factor, lr in rates
    )


def axis_of(rates: Sequence[Rate]) -> Axis:
    """Return the axis with a level for each rate."""
    return Axis(name=AXIS, levels=tuple(Level(name=rate.level, overrides=rate.overrides) for rate in rates))


def read_confirmation(rates: Sequence[Rate], outcomes: Sequence[Outcome], base_lr: float | None) -> ProbeResult:
    """Return which of the rates converge, and the overrides of the one to use: empty where none does.

    Recommended is the rate that converges on most seeds, the point itself where another does no better, and none where
    the task's own does better than all, or while trials are still to run. The section says `confirmed` where that is
    every seed tried.
    """
    rows = [_row(rate, outcomes) for rate in rates]
    ranked = sorted(range(len(rows)), key=lambda i: (-_share(rows[i]), PREFERENCE.index(rates[i].factor)))
    base = [outcome for outcome in outcomes if outcome.cell.is_base and outcome.is_evidence]
    own = {"factor": None, "lr": base_lr, "level": "base", **_counts(base)}
    is_open = any(outcome.state in OPEN_STATES for outcome in outcomes)
    best = next((i for i in ranked if rows[i]["converged"] and _share(rows[i]) >= _share(own)), None)
    best = None if is_open else best
    rows.append(own)
    section = {
        "confirmed": best is not None and rows[best]["converged"] == rows[best]["trials"],
        "recommended_lr": None if best is None else rates[best].lr,
        "soonest_lr": _soonest(rows[:-1]),
        "rates": [{**row, "is_recommended": index == best} for index, row in enumerate(rows)],
    }
    return ProbeResult(
        is_ok=True,
        answer=f"Not confirmed yet: {_tried(rows)}." if is_open else _answer(rows, best, section),
        section=section,
        overrides=() if best is None else rates[best].overrides,
    )


def _row(rate: Rate, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    toggle = Toggle(AXIS, rate.level)
    mine = [outcome for outcome in outcomes if toggle in outcome.cell.toggles and outcome.is_evidence]
    return {"factor": rate.factor, "lr": rate.lr, "level": rate.level, **_counts(mine)}


def _counts(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return trials, how many converged, and their median steps to target."""
    taus = [outcome.tau for outcome in outcomes if outcome.converged and outcome.tau is not None]
    converged = sum(outcome.converged for outcome in outcomes)
    return {
        "trials": len(outcomes),
        "converged": converged,
        "steps_to_target": median(taus) if taus else None,
    }


def _share(row: Mapping[str, Any]) -> float:
    return float(row["converged"]) / row["trials"] if row["trials"] else 0.0


def _soonest(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the rate that came to the target first, of those that did on every seed."""
    whole = [row for row in rows if row["trials"] and row["converged"] == row["trials"]]
    best = min(whole, key=lambda row: row["steps_to_target"], default=None)
    return None if best is None else float(best["lr"])


def _tried(rows: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{row['lr']:g} ({row['converged']}/{row['trials']})" for row in rows[:-1])


def _converge(row: Mapping[str, Any]) -> str:
    verb = "converges" if row["trials"] == 1 else "converge"
    return f"{share_text(row['converged'], row['trials'], 'seed')} {verb}"


def _answer(rows: Sequence[Mapping[str, Any]], best: int | None, section: Mapping[str, Any]) -> str:
    tried, own = _tried(rows), rows[-1]
    if best is None and own["converged"]:
        return (
            f"Not confirmed: the task's own rate does better ({_converge(own)}) than those around the point: {tried}."
        )
    if best is None:
        return (
            f"Not confirmed: none of the rates around it converges within the task's budget: {tried}. The learning "
            "rate alone is not what is wrong."
        )
    row = rows[best]
    of = _converge(row)
    if row["factor"] != 1.0:
        point = next(row for row in rows if row["factor"] == 1.0)
        words = (
            f"Better at {row['lr']:g}: {of} there, after {row['steps_to_target']:g} steps (median), and "
            f"{point['converged']} of {point['trials']} at the point itself."
        )
    else:
        kind = "Confirmed" if section["confirmed"] else "Partly confirmed"
        words = f"{kind}: trained at {row['lr']:g}, {of} after {row['steps_to_target']:g} steps (median)."
    soonest = section["soonest_lr"]
    if soonest is not None and soonest != row["lr"]:
        steps = next(row["steps_to_target"] for row in rows if row["lr"] == soonest)
        words += f" Soonest is {soonest:g}, after {steps:g}."
    return words
