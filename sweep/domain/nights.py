"""Nights and baselines of a regression as stored: runs, loss digests, and the environment they ran in."""

from dataclasses import dataclass
from datetime import datetime

from sweep.domain.rules import RULES_VERSION
from sweep.domain.verdict import Verdict

EVIDENCE = frozenset({Verdict.CONVERGED, Verdict.DIVERGED, Verdict.STALLED, Verdict.NOT_CONVERGED})
"""Verdicts that are evidence about the task; all others (undecided, crash, ...) are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRun:
    """One training run of the convergence tier.

    `tau` is the step at which the target was met and then held, None for a miss; `verdict` is a verdict or a failure
    class; `budget` is in optimizer steps. `trial` is where to find the run (`STUDY/12`).
    """

    seed: int
    tau: int | None
    budget: int
    verdict: str
    trial: str = ""

    @property
    def is_evidence(self) -> bool:
        """Whether the run is evidence about the task: a crash is not."""
        return self.verdict in EVIDENCE

    @property
    def converged(self) -> bool:
        """Whether the run met its target and held it."""
        return self.verdict == Verdict.CONVERGED and self.tau is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class LossHash:
    """The digest of the losses of a fixed seed over its first `steps` optimizer steps."""

    seed: int
    steps: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The environment of runs. Every field may be empty if unknown.

    `device` is `cpu` or the GPU model, `cpu` the processor model (or the architecture), `config` a digest of the task's
    resolved config, `packages` (name, version) sorted by name. `settings` is that config key by key (dotted key, value
    as text), `code` a digest of the task's source files, `flags` the environment variables that change how a framework
    computes (FLAGS_..., CUDA_..., OMP_...): (name, value), sorted.
    """

    git_sha: str = ""
    dirty: bool = False
    packages: tuple[tuple[str, str], ...] = ()
    python: str = ""
    platform: str = ""
    host: str = ""
    device: str = "cpu"
    cpu: str = ""
    driver: str = ""
    config: str = ""
    code: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    flags: tuple[tuple[str, str], ...] = ()

    @property
    def device_class(self) -> str:
        """Machines whose steps to target are comparable: the device model."""
        return self.device or "cpu"

    @property
    def numerics_class(self) -> str:
        """Machines whose losses can be bitwise equal: device and processor model."""
        return f"{self.device_class} / {self.cpu}" if self.cpu else self.device_class


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One night of one task.

    `name` is the night's name (`2026-11-23`, unique per task), `at` its start (aware UTC), `wanted` the number of seeds
    requested, `target` what "converged" means, as one comparable text. `confirmation` holds the runs on fresh seeds
    after an alarm of this night, empty if there was no alarm or they did not run. `rules_version` is that of the rules
    that judged the runs.
    """

    name: str
    at: datetime
    runs: tuple[NightRun, ...]
    wanted: int
    target: str
    environment: Environment
    hashes: tuple[LossHash, ...] = ()
    confirmation: tuple[NightRun, ...] = ()
    rules_version: int = RULES_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Runs that the user accepted as normal training of the task, misses included.

    Nights before `accepted_at` are history: they are drawn but do not count. `hashes` may hold several of one seed; if
    they differ, the task is not deterministic.
    """

    task: str
    runs: tuple[NightRun, ...]
    target: str
    environment: Environment
    accepted_at: datetime
    hashes: tuple[LossHash, ...] = ()
    studies: tuple[str, ...] = ()
    rules_version: int = RULES_VERSION


def night_seeds(ordinal: int, count: int, *, is_confirmation: bool = False) -> tuple[int, ...]:
    """Return `count` seeds for a night (its ordinal: `date.toordinal()`), disjoint from those of all other nights.

    The convergence tier needs unused seeds: with the same seeds every night, a deterministic task repeats one draw for
    ever, and one unlucky draw becomes a drift. At most 500 seeds per night, and 500 to confirm.
    """
    first = ordinal * 1_000 % 2_000_000_000 + (500 if is_confirmation else 0)
    return tuple(range(first, first + count))
