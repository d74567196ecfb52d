"""Nights and baselines as plain data, and back: what the store keeps of them, and the files beside the reports."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sweep.domain.nights import Baseline, Environment, LossHash, Night, NightRun
from sweep.store.records import FIRST_RULES

_PAIRS = ("packages", "settings", "flags")


def night_data(night: Night) -> dict[str, Any]:
    """Return a night as plain data; `night_of` reads it back."""
    return {**asdict(night), "at": night.at.isoformat()}


def night_of(data: Mapping[str, Any]) -> Night:
    """Return the night that `night_data` wrote. Raises KeyError, TypeError, ValueError for anything else."""
    return Night(
        name=str(data["name"]),
        at=datetime.fromisoformat(data["at"]),
        runs=_runs(data["runs"]),
        wanted=int(data["wanted"]),
        target=str(data["target"]),
        environment=environment_of(data["environment"]),
        hashes=_hashes(data["hashes"]),
        confirmation=_runs(data["confirmation"]),
        rules_version=int(data.get("rules_version", FIRST_RULES)),
    )


def baseline_data(baseline: Baseline) -> dict[str, Any]:
    """Return a baseline as plain data; `baseline_of` reads it back."""
    return {**asdict(baseline), "accepted_at": baseline.accepted_at.isoformat()}


def baseline_of(data: Mapping[str, Any]) -> Baseline:
    """Return the baseline that `baseline_data` wrote. Raises KeyError, TypeError, ValueError for anything else."""
    return Baseline(
        task=str(data["task"]),
        runs=_runs(data["runs"]),
        target=str(data["target"]),
        environment=environment_of(data["environment"]),
        accepted_at=datetime.fromisoformat(data["accepted_at"]),
        hashes=_hashes(data["hashes"]),
        studies=tuple(str(name) for name in data["studies"]),
        rules_version=int(data.get("rules_version", FIRST_RULES)),
    )


def environment_of(data: Mapping[str, Any]) -> Environment:
    """Return the environment of plain data; what an older version did not record is empty."""
    known = {field.name for field in fields(Environment)}
    given = {name: value for name, value in data.items() if name in known}
    given |= {name: tuple((str(k), str(v)) for k, v in given[name]) for name in _PAIRS if name in given}
    return Environment(**given)


def _runs(data: Any) -> tuple[NightRun, ...]:
    return tuple(NightRun(**run) for run in data)


def _hashes(data: Any) -> tuple[LossHash, ...]:
    return tuple(LossHash(**each) for each in data)
