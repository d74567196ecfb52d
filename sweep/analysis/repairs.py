"""Minimal repairs, which of their toggles are needed, and interactions of pairs."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from sweep.analysis.effects import is_broken
from sweep.analysis.table import Table
from sweep.domain.axis import Toggle
from sweep.domain.effect import Effect, EffectStatus, Interaction, Proportion, Question, Repair
from sweep.stats.exact import ALPHA, SPRT_LEAD, combination_interval, holm, paired_test, proportion

Toggles = frozenset[Toggle]


def passing_sets(table: Table, effects: Sequence[Effect], question: Question) -> dict[Toggles, float]:
    """Return the minimal sets of toggles that restore convergence (or break it) by the exact test, with its p.

    Single toggles pass by their status. Larger sets are tested against the base, paired by seed, with Holm over all of
    them. A larger set is tested only if the design also has it without each one of its toggles; otherwise it is
    unknown which of them are needed. A set is left out if a proper subset passed.
    """
    if question is Question.RESTORE:
        singles = [e for e in effects if e.status is EffectStatus.RESTORES]
    else:
        singles = [e for e in effects if is_broken(e) and 2 * e.sufficiency.converged <= e.sufficiency.trials]
    passed: dict[Toggles, float] = {frozenset([e.toggle]): e.p_value for e in singles if e.p_value is not None}
    if table.base is None:
        return passed
    counts = table.pair_counts(table.base)
    larger = sorted(
        ((toggles, row) for toggles, row in table.rows.items() if _is_dissected(table, toggles)), key=_by_size
    )
    tests = [paired_test(*n)[0] if any(n) else None for n in (counts[row] for _, row in larger)]
    for (toggles, row), p, adjusted in zip(larger, tests, holm(tests), strict=True):
        if p is None or adjusted is None or adjusted > ALPHA or not _answers(table, row, question):
            continue
        gain = counts[row][1] - counts[row][2]
        towards = gain > 0 if question is Question.RESTORE else gain < 0
        if towards and not any(smaller < toggles for smaller in passed):
            passed[toggles] = p
    return passed


def build_repairs(
    table: Table,
    passed: Mapping[Toggles, float],
    question: Question,
    overrides: Mapping[Toggle, tuple[str, ...]],
) -> list[Repair]:
    """Return the passing sets as repairs, best first: by share converged, number of toggles, and median steps."""
    found = []
    for toggles, p in passed.items():
        row = table.row(toggles)
        ordered = tuple(sorted(toggles))
        found.append(
            Repair(
                toggles=ordered,
                outcome=table.proportion(row),
                p_value=p,
                verified=_is_verified(table, toggles, question),
                overrides=tuple(text for toggle in ordered for text in overrides.get(toggle, ())),
            )
        )
    sign = 1.0 if question is Question.RESTORE else -1.0

    def key(repair: Repair) -> tuple[float, int, float, tuple[Toggle, ...]]:
        median = table.median(table.row(repair.toggles))
        return -sign * repair.outcome.mean, len(repair.toggles), median or float(table.budget), repair.toggles

    return sorted(found, key=key)


def find_necessities(table: Table, passed: Mapping[Toggles, float], question: Question) -> dict[Toggle, Proportion]:
    """Return, per toggle, how often cells converged that lack only this toggle.

    They are compared with larger repairs, and with all changes together if those restore (or break) convergence. If
    the question is `restore`, a low share means that the toggle is needed when the others are on.
    """
    axes = {toggle.axis for toggles in table.rows for toggle in toggles}
    wholes = {toggles for toggles in passed if len(toggles) > 1}
    wholes |= {
        toggles
        for toggles, row in table.rows.items()
        if len(toggles) == len(axes) > 1 and _answers(table, row, question)
    }
    rows: dict[Toggle, set[int]] = {}
    for whole in wholes:
        for toggle in whole:
            row = table.row(whole - {toggle})
            if row is not None:
                rows.setdefault(toggle, set()).add(row)
    necessities = {}
    for toggle, lacking in rows.items():
        parts = [table.proportion(row) for row in lacking]
        if any(part.trials for part in parts):
            necessities[toggle] = proportion(sum(p.converged for p in parts), sum(p.trials for p in parts))
    return necessities


def find_interactions(table: Table) -> list[Interaction]:
    """Return what each pair does beyond the sum of its parts, if base, A, B and A+B have trials; strongest first."""
    if table.base is None:
        return []
    base, found = table.base, []
    singles = sorted(toggle for toggles in table.rows if len(toggles) == 1 for toggle in toggles)
    for first, second in combinations(singles, 2):
        together = table.row([first, second])
        if together is None:
            continue
        rows = [together, *(table.rows[frozenset([t])] for t in (first, second)), base]
        parts = [table.proportion(row) for row in rows]
        if not all(part.trials for part in parts):
            continue
        value, low, high = combination_interval(list(zip((1.0, -1.0, -1.0, 1.0), parts, strict=True)))
        seeds = int((table.converged[rows] >= 0).all(axis=0).sum())
        found.append(Interaction(toggles=(first, second), value=value, low=low, high=high, seeds=seeds))
    return sorted(found, key=lambda i: (-abs(i.value), i.toggles))


def _is_dissected(table: Table, toggles: Toggles) -> bool:
    """Return whether the design also has this set of several toggles without each one of them."""
    return len(toggles) > 1 and all(toggles - {toggle} in table.rows for toggle in toggles)


def _by_size(item: tuple[Toggles, int]) -> tuple[int, list[Toggle]]:
    return len(item[0]), sorted(item[0])


def _answers(table: Table, row: int, question: Question) -> bool:
    """Return whether most trials of a cell did what the question asks: converge (restore) or fail (break)."""
    found = table.proportion(row)
    return found.trials > 0 and table.is_mostly_converged(row) is (question is Question.RESTORE)


def _is_verified(table: Table, toggles: Toggles, question: Question) -> bool:
    """Return whether Wald's sequential test decides for the set, and against it without any one of its toggles.

    It uses the seeds that also found the set, which has passed an exact test adjusted for all sets tried.
    """
    sign = 1 if question is Question.RESTORE else -1

    def lead(row: int | None) -> int:
        found = table.proportion(row)
        return sign * (2 * found.converged - found.trials)

    removals = (table.row(toggles - {toggle}) for toggle in toggles)
    return lead(table.row(toggles)) >= SPRT_LEAD and all(lead(row) <= -SPRT_LEAD for row in removals)
