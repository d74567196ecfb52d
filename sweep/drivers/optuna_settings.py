"""The settings of the optuna driver, checked, and the sampler and pruner that they name."""

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from sweep.domain.enums import StrEnum
from sweep.errors import ConfigError

SAMPLERS: dict[str, str | None] = {
    "TPESampler": None,
    "RandomSampler": None,
    "QMCSampler": None,
    "NSGAIISampler": None,
    "CmaEsSampler": "cmaes",
    "GPSampler": "torch",
}
"""Optuna's samplers that can be built from plain values, each with the package it needs beyond Optuna's own.

Left out: GridSampler and BruteForceSampler (`driver=grid` with `full_factorial` is that), PartialFixedSampler (takes
another sampler) and NSGAIIISampler (for several objectives).
"""

PRUNERS = (
    "NopPruner",
    "MedianPruner",
    "PercentilePruner",
    "SuccessiveHalvingPruner",
    "HyperbandPruner",
    "ThresholdPruner",
    "WilcoxonPruner",
)
"""Optuna's pruners that can be built from plain values: PatientPruner wraps another one."""


class Objective(StrEnum):
    """What is optimized."""

    BEST = "best"  # the best value of the target's metric over the run
    FINAL = "final"  # its last value
    TAU = "tau"  # steps to target, a miss counted as the whole budget


@dataclass(frozen=True, slots=True, kw_only=True)
class OptunaSettings:
    """What `driver:` may say for optuna. `n_trials` counts points, however they end; `seed` None: the study's."""

    n_trials: int = 30
    objective: Objective = Objective.BEST
    sampler: str = "TPESampler"
    sampler_args: Mapping[str, Any] = field(default_factory=dict, hash=False)
    pruner: str = "NopPruner"
    pruner_args: Mapping[str, Any] = field(default_factory=dict, hash=False)
    seeds_per_point: int = 1
    base_first: bool = True
    seed: int | None = None

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> "OptunaSettings":
        """Return the checked settings. Raises ConfigError naming the key, what is allowed and the nearest name."""
        known = cls.__dataclass_fields__
        for key in settings:
            if key not in known:
                raise ConfigError("driver", "no such setting of the optuna driver", value=key, allowed=known)
        values = dict(settings)
        if "objective" in values:
            values["objective"] = _one_of("objective", values["objective"], list(Objective))
        read = cls(**values)
        _one_of("sampler", read.sampler, list(SAMPLERS))
        _one_of("pruner", read.pruner, list(PRUNERS))
        for key in ("n_trials", "seeds_per_point"):
            if not isinstance(getattr(read, key), int) or getattr(read, key) < 1:
                raise ConfigError(f"driver.{key}", "must be a whole number, at least 1", value=getattr(read, key))
        if read.seeds_per_point > 1 and read.pruner != "NopPruner":
            raise ConfigError(
                "driver.pruner", "a point of several seeds has no one curve to prune by", value=read.pruner,
                hint="set driver.seeds_per_point=1 or driver.pruner=NopPruner",
            )  # fmt: skip
        needs = SAMPLERS[read.sampler]
        if needs is not None and find_spec(needs) is None:
            raise ConfigError(
                "driver.sampler", f"needs the package {needs}", value=read.sampler, hint=f"pip install {needs}"
            )
        return read

    def build_sampler(self, seed: int) -> BaseSampler:
        """Return a fresh sampler with this seed. Raises ConfigError if `sampler_args` don't fit it."""
        kind = getattr(optuna.samplers, self.sampler)
        args = {"seed": seed} | dict(self.sampler_args)
        if self.sampler == "TPESampler":
            # Several slots ask before the first is told: without the liar they would all get similar points.
            args.setdefault("constant_liar", True)
        built: BaseSampler = _build("sampler_args", kind, args)
        return built

    def build_pruner(self) -> BasePruner:
        """Return a fresh pruner. Raises ConfigError if `pruner_args` don't fit it."""
        built: BasePruner = _build("pruner_args", getattr(optuna.pruners, self.pruner), dict(self.pruner_args))
        return built


def _one_of(key: str, value: Any, allowed: list[Any]) -> Any:
    if value not in allowed:
        raise ConfigError(f"driver.{key}", "no such choice", value=value, allowed=[str(a) for a in allowed])
    return allowed[allowed.index(value)]


def _check_kind(key: str, value: Any, default: Any) -> None:
    """Raise ConfigError if an argument has another type than its default: Optuna checks it only on use."""
    if value is None or not isinstance(default, bool | int | float):
        return
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ConfigError(key, "must be true or false", value=value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(key, "must be a number", value=value)
    elif isinstance(default, int) and isinstance(value, float):
        raise ConfigError(key, "must be a whole number", value=value)


def _build(key: str, kind: Any, args: Mapping[str, Any]) -> Any:
    allowed = inspect.signature(kind).parameters
    for name in args:
        if name not in allowed:
            raise ConfigError(f"driver.{key}", f"{kind.__name__} takes no such argument", value=name, allowed=allowed)
        _check_kind(f"driver.{key}.{name}", args[name], allowed[name].default)
    try:
        with warnings.catch_warnings():
            # Optuna calls constant_liar and others experimental; the user did not ask for them.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return kind(**args)
    except (TypeError, ValueError) as exc:
        raise ConfigError(f"driver.{key}", f"{kind.__name__} refuses them: {exc}", value=dict(args)) from exc
