"""From symptoms to what is worth trying first: prior factors of toggles and axes (docs/symptoms.md)."""

from collections.abc import Iterable

from sweep.domain.symptom_entry import MAX_FACTOR
from sweep.domain.symptoms import about_of

LATER = 0.7
"""Ours: each later toggle of a rule's list gains this share of what the one before it gains."""
ADVISORY = 0.5
"""Ours: an advisory rule gains half."""


def toggle_factors(rules: Iterable[str]) -> dict[str, float]:
    """Return by how much each toggle (`axis=level`) gains in prior odds, given the rules that spoke, best first.

    Factors of several rules multiply; each is above 1, and none exceeds MAX_FACTOR. Rules that are not in the
    catalogue, and repeated ones, change nothing.
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
    # By the uncapped product, so that what several rules point to stays ahead of what one does.
    order = sorted(factors, key=lambda toggle: -factors[toggle])
    return {toggle: capped[toggle] for toggle in order}


def axes_for(rules: Iterable[str]) -> list[tuple[str, float]]:
    """Return the axes that these rules point to, most promising first, each with the factor of its best toggle.

    An axis may not be there in every installation or task: whoever uses this keeps those that are.
    """
    best: dict[str, float] = {}
    for toggle, factor in toggle_factors(rules).items():
        best.setdefault(toggle.partition("=")[0], factor)
    return list(best.items())
