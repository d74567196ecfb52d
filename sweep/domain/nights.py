"""Nights and baselines of a regression, as they are kept: runs, loss digests, and what they were made with."""

from dataclasses import dataclass
from datetime import datetime

from sweep.domain.rules import RULES_VERSION
from sweep.domain.verdict import Verdict

EVIDENCE = frozenset({Verdict.CONVERGED, Verdict.DIVERGED, Verdict.STALLED, Verdict.NOT_CONVERGED})
"""Verdicts that say something about the task; anything else (undecided, crash, ...) is a run without evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRun:
    """One training run of the convergence tier.

    `tau` is the step at which the target was reached and held, None for a miss; `verdict` a verdict word or a failure
    class; `budget` in optimizer steps. `trial` says where to look for the run (`STUDY/12`).
    """

    seed: int
    tau: int | None
    budget: int
    verdict: str
    trial: str = ""

    @property
    def is_evidence(self) -> bool:
        """Whether the run says something about the task: a crash does not."""
        return self.verdict in EVIDENCE

    @property
    def converged(self) -> bool:
        """Whether the run reached its target and held it."""
        return self.verdict == Verdict.CONVERGED and self.tau is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class LossHash:
    """The digest of the losses of a fixed seed over its first `steps` optimizer steps."""

    seed: int
    steps: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What runs were made with. Everything may be empty where it is not known.

    `device` is `cpu` or the model of the GPU, `cpu` the model of the processor (or the architecture), `config` a digest
    of the task's resolved config, `packages` (name, version) sorted by name. `settings` is that config key by key
    (dotted key, value as text), `code` a digest of the task's source files, `flags` the environment variables that
    change how a framework computes (FLAGS_..., CUDA_..., OMP_...): (name, value), sorted.
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
        """The kind of machine whose steps-to-target are compared: the device's model."""
        return self.device or "cpu"

    @property
    def numerics_class(self) -> str:
        """The kind of machine whose losses can be bitwise equal: device and processor model."""
        return f"{self.device_class} / {self.cpu}" if self.cpu else self.device_class


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What one night did for one task.

    `name` is what the night is called (`2026-11-23`, unique per task), `at` when it began (aware UTC), `wanted` how
    many seeds were asked for, `target` what "converged" means, as one comparable text. `confirmation` holds the runs
    on fresh seeds that followed an alarm on this night, empty where there was none or where it did not run.
    `rules_version` is of the rules that judged the runs.
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
    """The runs a person accepted as "this is how the task trains", misses included.

    Nights that began before `accepted_at` are history: they are drawn, and count for nothing. `hashes` may hold several
    of one seed: where they differ the task is not deterministic.
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
    """Return `count` seeds for a night (its ordinal: `date.toordinal()`), disjoint from every other night's.

    The convergence tier needs seeds that no earlier night used: with the same seeds every night, a deterministic task
    repeats one draw for ever, and one unlucky draw becomes a drift. Up to 500 seeds a night and as many to confirm.
    """
    first = ordinal * 1_000 % 2_000_000_000 + (500 if is_confirmation else 0)
    return tuple(range(first, first + count))
