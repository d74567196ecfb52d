"""Which two sets of trials the design compares for each toggle, and the result of the test."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sweep.analysis.table import Table
from sweep.domain.axis import Toggle
from sweep.domain.enums import StrEnum
from sweep.domain.plural import count_text
from sweep.stats.exact import Floats, holm, paired_test, sign_flip_p, split_p


class Contrast(StrEnum):
    """The two sets of trials that are compared."""

    ALONE = "alone"  # base + toggle against base
    LEFT_OUT = "left_out"  # all toggles on against all but this one
    MAIN = "main"  # the half of an orthogonal design with the toggle against the half without
    NONE = "none"  # the design does not isolate the toggle


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The comparison of trials with a toggle and without it.

    `counts` are numbers of pairs by seed: both converge, only with it, only without it, neither. `gain` > 0 means that
    training converges more often with the toggle. `saved` is the restricted mean number of steps that it saves.
    """

    toggle: Toggle
    contrast: Contrast
    treated: int | None = None
    reference: int | None = None
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)
    gain: float = 0.0
    p: float | None = None
    p_adjusted: float | None = None
    test: str = "none"
    saved: float | None = None
    p_steps: float | None = None
    p_steps_adjusted: float | None = None
    note: str = ""

    @property
    def pairs(self) -> int:
        """Number of seeds with a verdict on both sides."""
        return sum(self.counts)


def compare_toggles(table: Table, toggles: Sequence[Toggle]) -> list[Comparison]:
    """Return the comparison of every toggle, p-values adjusted by Holm over all of them."""
    found = [_compare(table, toggle) for toggle in toggles]
    tests, speeds = holm([c.p for c in found]), holm([c.p_steps for c in found])
    return [replace(c, p_adjusted=p, p_steps_adjusted=s) for c, p, s in zip(found, tests, speeds, strict=True)]


def compare_cells(table: Table, toggle: Toggle, contrast: Contrast, treated: int, reference: int) -> Comparison:
    """Return the comparison of two cells, paired by seed."""
    known = table.pairs(reference, treated)
    with_it, without = table.converged[treated][known], table.converged[reference][known]
    both = int((with_it & without).sum())
    gained, lost = int(with_it.sum()) - both, int(without.sum()) - both
    counts = (both, gained, lost, int(known.sum()) - both - gained - lost)
    seen = int((table.converged[treated] >= 0).sum()), int((table.converged[reference] >= 0).sum())
    dropped = max(seen) - sum(counts)
    note = f"{count_text(dropped, 'seed')} not compared: one of the two runs has no verdict" if dropped else ""
    if not sum(counts):
        return Comparison(
            toggle=toggle,
            contrast=contrast,
            treated=treated,
            reference=reference,
            note="no seed has a verdict both with and without it",
        )
    p, test = paired_test(*counts)
    saved = table.steps[reference][known] - table.steps[treated][known]
    return Comparison(
        toggle=toggle, contrast=contrast, treated=treated, reference=reference, counts=counts,
        gain=(gained - lost) / sum(counts), p=p, test=test, note=note,
        saved=float(saved.mean()), p_steps=sign_flip_p(saved),
    )  # fmt: skip


def _compare(table: Table, toggle: Toggle) -> Comparison:
    alone = table.row([toggle])
    if alone is not None and table.base is not None:
        return compare_cells(table, toggle, Contrast.ALONE, alone, table.base)
    left_out = _left_out(table, toggle)
    if left_out is not None:
        return compare_cells(table, toggle, Contrast.LEFT_OUT, *left_out)
    inside = _orthogonal_half(table, toggle)
    if inside is not None:
        return _compare_halves(table, toggle, inside)
    tried = any(toggle in cell.toggles for cell in table.cells)
    return Comparison(
        toggle=toggle,
        contrast=Contrast.NONE,
        note="tried only together with other changes, in an unbalanced design" if tried else "not tried",
    )


def _left_out(table: Table, toggle: Toggle) -> tuple[int, int] | None:
    """Return two rows: the cell with a toggle on every axis, this one included, and the same cell without this one."""
    axes = {t.axis for toggles in table.rows for t in toggles}
    for toggles, row in table.rows.items():
        if toggle in toggles and len(toggles) == len(axes) > 1:
            without = table.row(toggles - {toggle})
            if without is not None:
                return row, without
    return None


def _orthogonal_half(table: Table, toggle: Toggle) -> Floats | None:
    """Return 1 for rows with the toggle, -1 for the others; None unless every toggle is balanced over both halves."""
    rows = list(table.rows)
    toggles = sorted({t for toggles in rows for t in toggles})
    if toggle not in toggles or len(rows) != len(table.cells):
        return None
    signs = np.array([[1.0 if t in cell else -1.0 for t in toggles] for cell in rows])
    inside: Floats = signs[:, toggles.index(toggle)]
    balance = signs.T @ inside
    balance[toggles.index(toggle)] = inside.sum()
    return inside if len(rows) >= 4 and not balance.any() else None


def _compare_halves(table: Table, toggle: Toggle, inside: Floats) -> Comparison:
    rows = np.array(list(table.rows.values()))
    known = (table.converged[rows] >= 0).all(axis=1)
    if not known.all():
        return Comparison(toggle=toggle, contrast=Contrast.MAIN, note="cells lack verdicts: unbalanced design")
    shares = (table.converged[rows] == 1).mean(axis=1)
    half = inside > 0
    return Comparison(
        toggle=toggle,
        contrast=Contrast.MAIN,
        gain=float(shares[half].mean() - shares[~half].mean()),
        p=split_p(shares, half),
        test="permutation",
        saved=float(table.steps[rows][~half].mean() - table.steps[rows][half].mean()),
        note=f"main effect over {half.sum()} cells with it and {(~half).sum()} without",
    )
