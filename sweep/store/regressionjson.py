"""Nights and baselines as plain data, and back: what the store keeps, and the files beside the reports."""

from collections.abc import Mapping

from sweep.domain.json_form import JsonObject, from_json, to_object
from sweep.domain.nights import Baseline, Environment, Night
from sweep.store.records import FIRST_RULES

_OLDEST = {"rules_version": FIRST_RULES}
"""Value in records of versions that did not store it."""


def night_data(night: Night) -> JsonObject:
    """Return a night as plain data; `night_of` reads it back."""
    return to_object(night)


def night_of(data: Mapping[str, object]) -> Night:
    """Return the night that `night_data` wrote. Raises ValueError for anything else."""
    return from_json(Night, {**_OLDEST, **data})


def baseline_data(baseline: Baseline) -> JsonObject:
    """Return a baseline as plain data; `baseline_of` reads it back."""
    return to_object(baseline)


def baseline_of(data: Mapping[str, object]) -> Baseline:
    """Return the baseline that `baseline_data` wrote. Raises ValueError for anything else."""
    return from_json(Baseline, {**_OLDEST, **data})


def environment_of(data: Mapping[str, object]) -> Environment:
    """Return the environment of plain data; what an older version did not record is empty."""
    return from_json(Environment, data)
