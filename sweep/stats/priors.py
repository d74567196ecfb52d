"""From symptoms to what is worth trying first: prior factors of toggles and axes (docs/symptoms.md)."""

from collections.abc import Iterable

from sweep.domain.symptom_entry import MAX_FACTOR
from sweep.domain.symptoms import about_of

LATER = 0.7
"""Ours: the gain of each later toggle in a rule's list as a share of the previous one's."""
ADVISORY = 0.5
"""Ours: the gain of an advisory rule, as a share of a full one's."""


def toggle_factors(rules: Iterable[str]) -> dict[str, float]:
    """Return by how much each toggle (`axis=level`) gains in prior odds, given the rules that fired, best first.

    Factors of several rules multiply; each is above 1, and none exceeds MAX_FACTOR. Unknown and repeated rules change
    nothing.
    """
    factors: dict[str, float] = {}
    for rule in dict.fromkeys(rules):
        about = about_of(rule)
        if about is None:
            continue
        gain = (about.factor - 1.0) * (ADVISORY if about.advisory else 1.0)
        for toggle in about.tests:
            factors[toggle] = factors.get(toggle, 1.0) * (1.0 + gain)
            gain *= LATER
    capped = {toggle: min(factor, MAX_FACTOR) for toggle, factor in factors.items()}
    # By the uncapped product, so that toggles suggested by several rules come before those of one.
    order = sorted(factors, key=lambda toggle: -factors[toggle])
    return {toggle: capped[toggle] for toggle in order}


def axes_for(rules: Iterable[str]) -> list[tuple[str, float]]:
    """Return the axes that these rules suggest, most promising first, each with the factor of its best toggle.

    An installation or task may lack an axis; the caller must filter.
    """
    best: dict[str, float] = {}
    for toggle, factor in toggle_factors(rules).items():
        best.setdefault(toggle.partition("=")[0], factor)
    return list(best.items())
