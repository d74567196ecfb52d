"""The schema of a study's config. Everything below uses these dataclasses, not DictConfig."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.domain.axis import Axis
from sweep.domain.budget import Budget
from sweep.domain.check import Check, CheckName
from sweep.domain.inert import InertToggle
from sweep.domain.kinds import StudyKind, kind_of
from sweep.domain.part import Part
from sweep.domain.recorded_config import Home
from sweep.domain.target import Target
from sweep.errors import ConfigError

if TYPE_CHECKING:
    from sweep.config.knobs import TaskBase
    from sweep.config.source import TaskSource


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverConfig:
    """The driver's name, with its own settings (`design` for grid; sampler, pruner, n_trials, ... for optuna)."""

    name: str
    settings: Mapping[str, Any] = field(hash=False)


WATCHES = ("light", "deep", "off")
"""`watch`: how much of a run the monitor records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LauncherConfig:
    """Where and how runs execute (docs/config.md): what every launcher has, and the `settings` that it reads itself.

    `timeout_s` and `retries` apply to each run; `memory_mb` limits the writable memory of each process of a run
    (RLIMIT_DATA), without mapped files and shared memory.
    """

    name: str
    timeout_s: float | None
    retries: int
    memory_mb: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmConfig:
    """The trials that confirm a suggested learning rate: the number of seeds of each rate.

    `stop_early`: a trial ends once it has held the target.
    """

    seeds: int
    stop_early: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A finished run of a script's inventory that stands for a trial of the base: its id, and the trial's
    fingerprint."""

    trial_id: int
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyConfig:
    """The whole config of a study, validated.

    `task` is the resolved base task section; `params` maps a task key (`task.lr`) to Hydra sweep syntax (`tag(log,
    interval(1e-4, 1))`), empty if nothing is searched. `inert` lists toggles left out because the task already has
    their value or lacks their knob, with the reason. `raw` is the whole resolved config as plain data, with `store.url`
    without a password.

    `check` is what the trials do instead of plain training, None for training; `confirm` is what follows it. `stages`
    names the studies that this one consists of, in order; it then has no trials. `regression` is that section of a
    regression sweep, None for any other study. `watch` is one of WATCHES, `symptoms` the thresholds of the monitor's
    rules by name.

    `reuse` False runs all trials, even if other studies have finished the same ones. `is_named`: the name was given
    (`study=NAME`); an automatic one may still get the difference from the study that had it first. `compare_with` is
    that study, if the two can be compared. `home` is where a script lies, None for a task function.

    `budget` is the budget as given. For a script, `target` has OPEN_STEPS as its budget, and its metric as given, until
    the script's inventory is known (plan/settle.py); then `is_settled`, `parts` is what the knobs could change, and
    `adopted` is the inventory's run, if it can stand for the base.
    """

    name: str
    task_name: str
    ablation: str | None
    task: Mapping[str, Any] = field(hash=False)
    axes: tuple[Axis, ...]
    params: Mapping[str, str] = field(hash=False)
    driver: DriverConfig
    seeds: tuple[int, ...]
    target: Target
    launcher: LauncherConfig
    store_url: str
    results: str
    inert: tuple[InertToggle, ...]
    raw: Mapping[str, Any] = field(hash=False)
    check: Check | None = None
    confirm: ConfirmConfig | None = None
    stages: tuple[str, ...] = ()
    regression: Mapping[str, Any] | None = field(default=None, hash=False)
    watch: str = "light"
    symptoms: Mapping[str, float] = field(default_factory=dict, hash=False)
    reuse: bool = True
    is_named: bool = False
    compare_with: str | None = None
    home: Home | None = None
    budget: Budget = field(default_factory=Budget)
    is_settled: bool = False
    parts: tuple[Part, ...] = ()
    adopted: "Adopted | None" = None

    @property
    def asked(self) -> Mapping[str, Any] | None:
        """The target of a study on a script or command as it was given; None for a task function."""
        if self.home is None:
            return None
        is_inventory = self.check is not None and self.check.name is CheckName.INVENTORY  # it has no target
        given = {} if is_inventory else self.raw["converge"]
        return {key: value for key, value in given.items() if key != "inventory_s"}

    @property
    def kind(self) -> StudyKind:
        """The kind of the study according to its config; the driver may turn a study of trained trials into a
        search."""
        check = None if self.check is None else self.check.name
        return kind_of(stages=self.stages, check=check)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """A validated study with what is needed to compose its trials.

    `base` is the task section that every trial's is made from. `source` is the task's code, read once with the config,
    so that fingerprints, checks and runs use one version. `command` is the command line of the study, without the
    password of `store.url`; `overrides` and `config_dirs` are what it was composed from. `notes` are lines for the user
    about arguments without effect.
    """

    study: StudyConfig
    base: "TaskBase" = field(hash=False)
    source: "TaskSource" = field(hash=False)
    command: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    config_dirs: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    def as_yaml(self, section: str | None = None) -> str:
        """Return the resolved config as YAML, in the order it was composed: all of it, or one section (`task`).

        Raises ConfigError for a section that does not exist.
        """
        from omegaconf import OmegaConf

        data: Any = dict(self.study.raw)
        for part in section.split(".") if section else ():
            if not isinstance(data, Mapping) or part not in data:
                there = list(data) if isinstance(data, Mapping) else []
                raise ConfigError("--package", "unknown section", value=section, allowed=there)
            data = data[part]
        if not isinstance(data, Mapping | list):
            return f"{data}\n"
        return (f"# @package {section}\n" if section else "") + OmegaConf.to_yaml(
            OmegaConf.create({"data": data})["data"]
        )
