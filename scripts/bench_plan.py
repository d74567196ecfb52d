"""Time the planning of about 1,000 trials, and compare it with composing each trial with Hydra, as a multirun does.

Planning is what happens before the first launch: the config is loaded, the design's cells are made, and every trial's
config is composed, checked and fingerprinted. The alternative is `hydra.compose()` per trial, measured on SAMPLE
trials and scaled to the number of trials in the plan (marked with ~).

    python scripts/bench_plan.py            prints the table
    python scripts/bench_plan.py --write    also writes results/benchmarks/plan.md
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import hydra
from hydra import compose

from sweep.config import load_study_config
from sweep.config.folders import conf_root
from sweep.config.hydra_versions import config_folder
from sweep.plan import DESIGNS, Plan, TrialComposer, build_plan

REPEATS = 5
SAMPLE = 30
LIMIT_S = 5.0  # issue 2: planning 1,000 trials
WRITTEN = Path(__file__).parent.parent / "results" / "benchmarks" / "plan.md"

CASES = (("full_factorial", 7, 1, 8), ("one_at_a_time", 25, 5, 8), ("pairs", 15, 1, 9))
"""Design, number of axes, number of levels of each besides its baseline, number of seeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    design: str
    axes: int
    levels: int
    seeds: int
    trials: int
    load_s: float
    plan_s: float  # median of REPEATS
    worst_s: float
    hydra_s: float  # for the same number of trials, scaled from SAMPLE

    @property
    def ratio(self) -> float:
        return self.hydra_s / (self.load_s + self.plan_s)


def write_config(folder: Path, axes: int, levels: int) -> Path:
    """Write a task with `axes` knobs, and axis files for them; return the config folder."""
    conf = folder / "conf"
    (conf / "task").mkdir(parents=True)
    (conf / "axis").mkdir()
    (folder / "bench_task.py").write_text("def train(cfg, run):\n    pass\n")
    knobs = "".join(f"  knob{i:03}: 0.5\n" for i in range(axes))
    target = "converge: {metric: val/acc, target: 0.9, budget_steps: 100}\n"
    task = f"task:\n  _target_: bench_task.train\n  steps: ${{converge.budget_steps}}\n{knobs}"
    (conf / "task" / "bench.yaml").write_text(f"# @package _global_\n{task}{target}")
    for i in range(axes):
        texts = ", ".join(f"l{j}: [task.knob{i:03}={j}.0]" for j in range(levels))
        axis = f"# @package axes\naxis{i:03}: {{levels: {{{texts}}}}}\n"
        (conf / "axis" / f"axis{i:03}.yaml").write_text(axis)
    return conf


def measure(design: str, axes: int, levels: int, seeds: int) -> Timing:
    """Return the timings of a case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        conf = write_config(folder, axes, levels)
        before = Path.cwd()
        os.chdir(folder)
        try:
            names = ",".join(f"axis{i:03}" for i in range(axes))
            overrides = ["task=bench", f"+axis=[{names}]", f"driver.design={design}", f"seeds={seeds}"]
            start = time.perf_counter()
            loaded = load_study_config(overrides, [conf])
            load_s = time.perf_counter() - start
            times = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                plan = build_plan(TrialComposer(loaded), DESIGNS[design](loaded.study.axes))
                times.append(time.perf_counter() - start)
            each_s = hydra_per_trial(plan, conf)
        finally:
            os.chdir(before)
    return Timing(
        design=design,
        axes=axes,
        levels=levels,
        seeds=seeds,
        trials=len(plan.trials),
        load_s=load_s,
        plan_s=statistics.median(times),
        worst_s=max(times),
        hydra_s=each_s * len(plan.trials),
    )


def hydra_per_trial(plan: Plan, conf: Path) -> float:
    """Return the mean seconds that hydra.compose() takes for a trial of the plan, over SAMPLE trials."""
    every = max(1, len(plan.trials) // SAMPLE)
    sample = plan.trials[::every][:SAMPLE]
    with config_folder(conf_root()):
        start = time.perf_counter()
        for spec in sample:
            # The axes themselves are left out: a multirun would not load them.
            compose(
                "config", ["task=bench", *spec.overrides, f"seeds=[{spec.seed}]", f"hydra.searchpath=['file://{conf}']"]
            )
        return (time.perf_counter() - start) / len(sample)


def table(timings: Sequence[Timing]) -> str:
    """Return the results as a Markdown table with the machine and the command."""
    lines = [
        "# Planning",
        "",
        "Loading the config; composing, checking and fingerprinting all trials; beside it `hydra.compose()` per trial.",
        f"Limit: {LIMIT_S:g} s for 1,000 trials. Median of {REPEATS} (worst); ~ scaled from {SAMPLE} trials.",
        "",
        "| design | axes x levels | seeds | trials | load s | plan s (worst) | 1,000 trials in s | hydra s | ratio |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for t in timings:
        per_1000 = t.load_s + t.plan_s / t.trials * 1000
        lines.append(
            f"| {t.design} | {t.axes} x {t.levels} | {t.seeds} | {t.trials} | {t.load_s:.2f} "
            f"| {t.plan_s:.2f} ({t.worst_s:.2f}) | {per_1000:.2f} | ~{t.hydra_s:.1f} | {t.ratio:.0f} x |"
        )
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, Hydra {hydra.__version__}"
    )
    return "\n".join([*lines, "", f"Machine: {machine}. Command: `python scripts/bench_plan.py --write`.", ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write results/benchmarks/plan.md")
    args = parser.parse_args()
    timings = [measure(*case) for case in CASES]
    text = table(timings)
    print(text)
    if args.write:
        WRITTEN.parent.mkdir(parents=True, exist_ok=True)
        WRITTEN.write_text(text, encoding="utf-8")
    slowest = max((t.load_s + t.worst_s) * 1000 / t.trials for t in timings)
    return 0 if slowest <= LIMIT_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
