"""Measures how long each reading verb and `plan` take, in fresh processes, on a small and on a large study.

    python scripts/bench_verbs.py [--trials 10000] [--repeats 7] [--against CHECKOUT] [--write]

The small study really runs 40 trials. The large one is written through the store: `--trials` trials over the cells of
four axes, with 20 points each. The heavy packages that a verb imports are found in a separate run (`-X importtime`).
`--against` takes turns with another checkout of this repository (`git worktree add FOLDER COMMIT`), on stores written
by that checkout's code, and adds the ratio of each pair of runs. `--write` puts the table into
results/benchmarks/verbs.md. Needs the extra `cpu` for the small study.
"""

import argparse
import itertools
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
from sweep.domain.json_form import to_object
from sweep.domain.metric import Series
from sweep.domain.states import TrialState
from sweep.domain.trial import StudyRecord, TrialSpec
from sweep.domain.verdict import Judgement, Verdict
from sweep.report import build_document
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study.config_record import recorded_config
from sweep.study.results import report_data

TABLE = Path(__file__).parent.parent / "results" / "benchmarks" / "verbs.md"
TARGET_S = 1.0
SMALL = 40
POINTS = 20
HEAVY = ("paddle", "numpy", "scipy", "optuna", "hydra", "jinja2", "matplotlib", "visualdl")
AXES = ("dropout", "weight_decay", "clip", "noise")
STUDY = ["task=launch_bench", "task.kind=noop", "launcher.slots=2", "launcher.gpus=[]"]
LEVELS = [f"+axes.{axis}={{levels: {{off: [task.{axis}=0.0]}}}}" for axis in AXES]


def sweep(words: Sequence[str], folder: Path, *options: str, path: str = PATH) -> str:
    """Run one command as a user would, with its output in a file; return the file. Raises SystemExit."""
    environment = {**os.environ, "PYTHONPATH": path, MARKS: str(folder / "marks")}
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
    """Write a study of `trials` trials through the store; return the overrides that plan a study of the same size."""
    knobs = [f"+task.{axis}=0.5" for axis in AXES]
    seeds = trials // 2 ** len(AXES)
    overrides = [*STUDY, *knobs, *LEVELS, "driver.design=full_factorial", f"seeds={seeds}"]
    config = load_study_config(overrides, [Path(CONF)], command=tuple(overrides)).study
    os.chdir(folder)  # a store has paths as its study's orchestrator saw them
    with Store.open("sqlite:///results/sweep.db") as store:
        study = store.create_study(
            name="large", task="launch_bench", command=overrides, config=recorded_config(config), provenance={}
        )
        fill(store, study, seeds)
        store.update_study(study.id, status="ended", ended=True)
        study = store.study(study.name)
        store.save_summary(study.id, to_object(build_document(report_data(store, study, wall_s=1.0))))
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
    """Return the commands by their names in the table."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A checkout with its stores: `path` is its PYTHONPATH, `plans` has the overrides of a plan by folder."""

    path: str
    plans: dict[Path, list[str]]


def other_build(checkout: Path, small: Path, large: Path, trials: int) -> Build:
    """Return another checkout, with stores written by its copy of this script."""
    path = os.pathsep.join([str(checkout.resolve() / "scripts"), str(checkout.resolve())])
    program = (
        "import json, sys; from pathlib import Path; import bench_verbs as b; "
        "small, large, trials = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]); "
        "print(json.dumps([b.make_small(small), b.make_large(large, trials)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(small), str(large), str(trials)],
        cwd=checkout, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    plans = json.loads(done.stdout.splitlines()[-1])
    return Build(path=path, plans={small: plans[0], large: plans[1]})


def timed(words: Sequence[str], folder: Path, path: str = PATH) -> tuple[float, float]:
    """Return the wall and the CPU seconds of one run of a command."""
    start_s, used_s = time.perf_counter(), children_cpu_s()
    sweep(words, folder, path=path)
    return time.perf_counter() - start_s, children_cpu_s() - used_s


def children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def heavy_imports(words: Sequence[str], folder: Path) -> list[str]:
    """Return which heavy packages a command imports."""
    lines = sweep(words, folder, "-X", "importtime").splitlines()
    names = {found[1].partition(".")[0] for line in lines if (found := re.search(r"import time:.*\|\s+(\S+)$", line))}
    return [package for package in HEAVY if package in names]


def rows(
    trials: int, plan: Sequence[str], folder: Path, repeats: int, other: tuple[Build, Path] | None = None
) -> list[str]:
    """Return the table's rows for one store; `other` is another checkout and its store of this size."""
    made = []
    before = None if other is None else verbs(trials, other[0].plans[other[1]])
    for name, words in verbs(trials, plan).items():
        runs, pairs = [], []
        for _ in range(repeats):
            runs.append(timed(words, folder))
            if other is not None and before is not None:
                pairs.append(
                    [a / b for a, b in zip(runs[-1], timed(before[name], other[1], other[0].path), strict=True)]
                )
        spent, cpu = [run[0] for run in runs], [run[1] for run in runs]
        ratios = f"{median(wall for wall, _ in pairs):.2f} ({median(cpu for _, cpu in pairs):.2f})" if pairs else "-"
        heavy = heavy_imports(words, folder)
        is_met = median(spent) < TARGET_S and "paddle" not in heavy
        made.append(
            f"| {name} | {trials:,} | {median(spent):.2f} s ({min(spent):.2f} to {max(spent):.2f}) "
            f"| {median(cpu):.2f} s | {ratios} | {', '.join(heavy) or 'none'} | {'met' if is_met else 'not met'} |"
        )
        print(made[-1], file=sys.stderr)
    return made


def commit_of(checkout: Path) -> str:
    """Return the abbreviated commit of a checkout."""
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="take turns with another checkout")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name} under results/benchmarks/")
    args = parser.parse_args()
    if args.trials < 2 ** len(AXES):
        parser.error(f"at least {2 ** len(AXES)} trials are needed")
    trials = args.trials - args.trials % 2 ** len(AXES)
    load = os.getloadavg()[0]
    found = []
    with tempfile.TemporaryDirectory() as root:
        small, large, small_before, large_before = (Path(root, each) for each in ("s", "l", "s-before", "l-before"))
        for folder in (small, large, small_before, large_before):
            folder.mkdir()
        other = other_build(args.against, small_before, large_before, trials) if args.against else None
        for size, folder, theirs, make in (
            (SMALL, small, small_before, make_small),
            (trials, large, large_before, lambda where: make_large(where, trials)),
        ):
            found += rows(size, make(folder), folder, args.repeats, (other, theirs) if other else None)
        os.chdir(TABLE.parent)
    packages = ", ".join(f"{name} {version(name)}" for name in ("sqlalchemy", "rich", "hydra-core"))
    command = f"python scripts/bench_verbs.py --trials {args.trials} --repeats {args.repeats}"
    against = ""
    if args.against:
        command += " --against CHECKOUT"
        against = (
            f" Ratios: medians of the pairs against commit {commit_of(args.against)}, whose runs took turns with these."
        )
    text = "\n".join(
        [
            "# Verbs",
            "",
            f"`{command}` on {machine()}; Python {platform.python_version()}, {packages}. Load average before: "
            f"{load:.1f}. Median (range) of {args.repeats} fresh processes each, wall time from start to exit. Aim: "
            f"less than {TARGET_S:.0f} s, and no import of paddle.{against}",
            "",
            "| verb | trials in the study | wall | CPU | ratio of wall (CPU) "
            f"| of {', '.join(HEAVY)} it imports | aim |",
            "|---|---|---|---|---|---|---|",
            *found,
            "",
        ]
    )
    print(text)
    if args.write:
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
