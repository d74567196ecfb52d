"""Fingerprints: everything that determines a trial's outcome, as one digest. Equal fingerprints need only one run."""

import hashlib
import json
from collections.abc import Mapping

from sweep.domain.check import Check
from sweep.domain.target import Target

_VERSION = 1
"""Increased when the input of the fingerprint changes: older finished trials are then not reused."""


def canonical_json(data: object) -> str:
    """Return plain data as canonical JSON: keys sorted, no spaces, the same for equal data in any key order."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(data: object) -> str:
    """Return a hex digest (32 characters) of plain data."""
    return hashlib.blake2b(canonical_json(data).encode(), digest_size=16).hexdigest()


def fingerprint(task: Mapping[str, object], seed: int, *, code: str, target: Target, check: Check | None = None) -> str:
    """Return the hex digest (32 characters) of what decides a trial's outcome.

    That is its resolved task config, its seed, the digest of the task's code, the target, which decides where a run
    stops and how it is judged, and the check, if the trial is one. The cell's name is not part of it: two ways to
    the same config are one trial.
    """
    return digest(
        {
            "version": _VERSION,
            "task": dict(task),
            "seed": seed,
            "code": code,
            "target": {
                "metric": target.metric,
                "mode": str(target.mode),
                "threshold": target.threshold,
                "hold": target.hold,
                "budget_steps": target.budget_steps,
                "stop_early": target.stop_early,
                **({} if target.loss is None else {"loss": target.loss}),
                **({} if target.smooth is None else {"smooth": target.smooth}),
            },
            **({} if check is None else {"probe": check.to_mapping()}),
        }
    )
