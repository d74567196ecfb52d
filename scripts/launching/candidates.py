"""The candidates, and the command with which each of them runs a number of trials."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

CONF = str(Path(__file__).parent / "conf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One candidate: `command(trials, kind)` returns the arguments of `python`; `needs` are the modules it imports."""

    key: str
    name: str
    isolation: str
    command: Callable[[int, str], list[str]]
    needs: tuple[str, ...] = ("paddle",)

    def missing(self) -> str:
        """Return which modules are not installed, or an empty string."""
        lacking = [module for module in self.needs if not _is_installed(module)]
        return f"not installed: {', '.join(lacking)}" if lacking else ""


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the parent package is not installed
        return False


def sweep(start: str) -> Callable[[int, str], list[str]]:
    """Return the command of a study with this start mode."""

    def command(trials: int, kind: str) -> list[str]:
        return [
            *("-m", "sweep", "--config-dir", CONF, "task=launch_bench", f"task.kind={kind}", f"seeds={trials}"),
            *("launcher.slots=2", "launcher.gpus=[]", f"launcher.start={start}"),
        ]

    return command


def module(name: str, *more: str) -> Callable[[int, str], list[str]]:
    """Return the command of one of our programs."""
    return lambda trials, kind: ["-m", f"launching.{name}", str(trials), kind, *more]


def hydra(*more: str) -> Callable[[int, str], list[str]]:
    """Return the command of a Hydra multirun."""
    return lambda trials, kind: [
        *("-m", "launching.hydra_app", "--multirun", f"+kind={kind}", f"+seed=range({trials})", *more)
    ]


CANDIDATES = (
    Candidate(key="sweep-warm", name="sweep, warm", isolation="process, forked", command=sweep("warm")),
    Candidate(key="sweep-standby", name="sweep, standby", isolation="process", command=sweep("standby")),
    Candidate(key="sweep-cold", name="sweep, cold", isolation="process", command=sweep("cold")),
    Candidate(key="subprocess", name="subprocess pool", isolation="process", command=module("subprocess_pool")),
    Candidate(key="ray", name="Ray Tune", isolation="process", needs=("paddle", "ray"), command=module("ray_tune")),
    Candidate(
        key="ray-reuse",
        name="Ray Tune, reuse_actors",
        isolation="none between trials",
        needs=("paddle", "ray"),
        command=module("ray_tune", "reuse"),
    ),
    Candidate(
        key="optuna",
        name="Optuna, RDB, 2 processes",
        isolation="none between trials",
        needs=("paddle", "optuna"),
        command=module("optuna_rdb"),
    ),
    Candidate(
        key="hydra-basic",
        name="Hydra multirun, basic (one at a time)",
        isolation="none between trials",
        needs=("paddle", "hydra"),
        command=hydra(),
    ),
    Candidate(
        key="hydra-joblib",
        name="Hydra multirun, joblib, 2 jobs",
        isolation="none between trials",
        needs=("paddle", "hydra", "hydra_plugins.hydra_joblib_launcher"),
        command=hydra("hydra/launcher=joblib", "hydra.launcher.n_jobs=2"),
    ),
    Candidate(
        key="fork-floor", name="bare forks (the floor)", isolation="process, forked", command=module("fork_pool")
    ),
)
BY_KEY = {candidate.key: candidate for candidate in CANDIDATES}

PACKAGES = ("paddle-sweep", "paddlepaddle", "ray", "optuna", "hydra-core", "hydra-joblib-launcher", "joblib")


def versions() -> str:
    """Return the versions of all candidates, as text."""
    found = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)
