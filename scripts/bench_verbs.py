"""Measures how long each reading verb and `plan` take, in fresh processes, on a small and on a large study.

    python scripts/bench_verbs.py [--trials 10000] [--repeats 7] [--write]

The small study is 40 trials that are really run; the large one is made through the store: as many trials, over the
cells of four axes, with 20 points each. Which heavy packages a verb imports is looked up in a run of its own (`-X
importtime`). `--write` puts the table into results/benchmarks/verbs.md. Needs the extra `cpu` for the small study.
"""

import argparse
import itertools
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
from launching.candidates import CONF
from launching.marks import MARKS
from launching.measure import PATH
from machine import machine

from sweep.config import load_study_config
from sweep.domain.axis import Cell
from sweep.domain.metric import Series
from sweep.domain.states import TrialState
from sweep.domain.trial import StudyRecord, TrialSpec
from sweep.domain.verdict import Judgement, Verdict
from sweep.report import build_summary
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study.recorded import recorded_config
from sweep.study.results import report_data

TABLE = Path(__file__).parent.parent / "results" / "benchmarks" / "verbs.md"
TARGET_S = 1.0
SMALL = 40
POINTS = 20
HEAVY = ("paddle", "scipy", "optuna", "hydra", "jinja2", "matplotlib", "visualdl")
AXES = ("dropout", "weight_decay", "clip", "noise")
STUDY = ["task=launch_bench", "task.kind=noop", "launcher.slots=2", "launcher.gpus=[]"]
LEVELS = [f"+axes.{axis}={{levels: {{off: [task.{axis}=0.0]}}}}" for axis in AXES]


def sweep(words: Sequence[str], folder: Path, *options: str) -> str:
    """Run one command as a user would, its output into a file, which is returned. Raises SystemExit."""
    environment = {**os.environ, "PYTHONPATH": PATH, MARKS: str(folder / "marks")}
    with (folder / "output").open("w+") as output:
        command = [sys.executable, *options, "-m", "sweep", *words]
        code = subprocess.call(command, cwd=folder, env=environment, stdout=output, stderr=output)
        output.seek(0)
        text = output.read()
    if code:
        sys.exit(f"python -m sweep {' '.join(words)} ended with {code}:\n{text[-2000:]}")
    return text


def make_small(folder: Path) -> list[str]:
    """Run a study of 40 trials; return the overrides that plan it."""
    overrides = ["--config-dir", CONF, *STUDY, f"seeds={SMALL}"]
    sweep(overrides, folder)
    return overrides


def make_large(folder: Path, trials: int) -> list[str]:
    """Write a study of so many trials through the store; return the overrides that plan one as large."""
    knobs = [f"+task.{axis}=0.5" for axis in AXES]
    seeds = trials // 2 ** len(AXES)
    overrides = [*STUDY, *knobs, *LEVELS, "driver.design=full_factorial", f"seeds={seeds}"]
    config = load_study_config(overrides, [Path(CONF)], command=tuple(overrides)).study
    os.chdir(folder)  # paths of a store are as its study's driver saw them
    with Store.open("sqlite:///results/sweep.db") as store:
        study = store.create_study(
            name="large", task="launch_bench", command=overrides, config=recorded_config(config), provenance={}
        )
        fill(store, study, seeds)
        store.update_study(study.id, status="ended", ended=True)
        study = store.study(study.name)
        store.save_summary(study.id, build_summary(report_data(store, study, wall_s=1.0)))
    return ["--config-dir", CONF, *overrides]


def fill(store: Store, study: StudyRecord, seeds: int) -> None:
    """Add and end one trial per cell and seed, in one transaction."""
    cells = [Cell.of(toggles) for toggles in subsets([f"{axis}=off" for axis in AXES])]
    task = {"_target_": "launching.task.train", "kind": "noop", **dict.fromkeys(AXES, 0.5)}
    specs = [
        TrialSpec(cell=cell, seed=seed, overrides=(), task=task, fingerprint=f"{number:064x}")
        for number, (cell, seed) in enumerate(itertools.product(cells, range(seeds)))
    ]
    steps = np.arange(1, POINTS + 1, dtype=np.int64)
    folder = StudyDir(Path("results"), study.name)
    with store.transaction():
        for trial in store.add_trials(study.id, specs):
            at = folder.trial(trial.number)
            run = store.begin_run(trial.id, str(at.path))
            store.run_started(run.id, pid=trial.number + 1, pid_started_at=1.7e9, host="host", device="cpu")
            store.mark_running(run.id)
            losses = np.random.default_rng(trial.number).random(POINTS)
            points = {"train/loss": Series(steps, losses)}
            store.ingest(run.id, from_byte=0, to_byte=1000, points=points)
            store.end_run(
                run.id,
                state=TrialState.COMPLETED,
                stop_reason="budget",
                wall_s=1.0,
                last_step=POINTS,
                judgement=judgement(losses),
            )
    at.path.mkdir(parents=True)
    at.log.write_text("what the last trial printed\n" * 20)


def subsets(items: Sequence[str]) -> list[tuple[str, ...]]:
    return [chosen for size in range(len(items) + 1) for chosen in itertools.combinations(items, size)]


def judgement(losses: np.ndarray) -> Judgement:
    has_converged = bool(losses.min() <= 0.1)
    return Judgement(
        verdict=Verdict.CONVERGED if has_converged else Verdict.NOT_CONVERGED,
        reason="train/loss <= 0.1",
        rule="target",
        tau=int(losses.argmin()) + 1 if has_converged else None,
        last_step=POINTS,
        best=float(losses.min()),
        final=float(losses[-1]),
        symptoms=(),
    )


def verbs(trials: int, plan: Sequence[str]) -> dict[str, list[str]]:
    """Return the commands by what the table calls them."""
    last = str(trials - 1)
    return {
        "--help": ["--help"],
        "ls": ["ls"],
        "status": ["status"],
        "rank": ["rank"],
        "rank --json": ["rank", "--json"],
        "show TRIAL": ["show", last],
        "logs TRIAL": ["logs", last],
        "export": ["export"],
        "plan": ["plan", *plan],
    }


def timed(words: Sequence[str], folder: Path, repeats: int) -> tuple[list[float], list[float]]:
    """Return the seconds that some runs of a command took, and those of the CPU that each used."""
    wall, cpu = [], []
    for _ in range(repeats):
        start_s, used_s = time.perf_counter(), children_cpu_s()
        sweep(words, folder)
        wall.append(time.perf_counter() - start_s)
        cpu.append(children_cpu_s() - used_s)
    return wall, cpu


def children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def heavy_imports(words: Sequence[str], folder: Path) -> list[str]:
    """Return which heavy packages a command imports."""
    lines = sweep(words, folder, "-X", "importtime").splitlines()
    names = {found[1].partition(".")[0] for line in lines if (found := re.search(r"import time:.*\|\s+(\S+)$", line))}
    return [package for package in HEAVY if package in names]


def rows(trials: int, plan: Sequence[str], folder: Path, repeats: int) -> list[str]:
    """Return the table's rows for one store."""
    made = []
    for name, words in verbs(trials, plan).items():
        spent, cpu = timed(words, folder, repeats)
        heavy = heavy_imports(words, folder)
        is_met = median(spent) < TARGET_S and "paddle" not in heavy
        made.append(
            f"| {name} | {trials:,} | {median(spent):.2f} s ({min(spent):.2f} to {max(spent):.2f}) "
            f"| {median(cpu):.2f} s | {', '.join(heavy) or 'none'} | {'met' if is_met else 'not met'} |"
        )
        print(made[-1], file=sys.stderr)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name} under results/benchmarks/")
    args = parser.parse_args()
    if args.trials < 2 ** len(AXES):
        parser.error(f"at least {2 ** len(AXES)} trials are needed")
    trials = args.trials - args.trials % 2 ** len(AXES)
    load = os.getloadavg()[0]
    found = []
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as large:
        found += rows(SMALL, make_small(Path(small)), Path(small), args.repeats)
        found += rows(trials, make_large(Path(large), trials), Path(large), args.repeats)
        os.chdir(TABLE.parent)
    packages = ", ".join(f"{name} {version(name)}" for name in ("sqlalchemy", "rich", "hydra-core"))
    command = f"python scripts/bench_verbs.py --trials {args.trials} --repeats {args.repeats}"
    text = "\n".join(
        [
            "# Verbs",
            "",
            f"`{command}` on {machine()}; Python {platform.python_version()}, {packages}. Load average before: "
            f"{load:.1f}. Median (range) of {args.repeats} fresh processes each, wall time from start to exit. Aim: "
            f"less than {TARGET_S:.0f} s, and no import of paddle.",
            "",
            f"| verb | trials in the study | wall | CPU | of {', '.join(HEAVY)} it imports | aim |",
            "|---|---|---|---|---|---|",
            *found,
            "",
        ]
    )
    print(text)
    if args.write:
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
