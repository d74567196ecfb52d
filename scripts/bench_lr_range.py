"""Measures the learning-rate range test and writes results/benchmarks/lr_range.md.

For each pair of task and optimizer it runs ten range tests on different seeds. Then it trains over the task's whole
budget, on five other seeds, at the median, the lowest and the highest suggestion, and at the rate at which the loss
blows up.

    python scripts/bench_lr_range.py [--work DIR] [--out FILE] [--only TEXT]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sweep.analysis.checks.lr_range import overrides_for
from sweep.config import load_study_config

ROOT = Path(__file__).parents[1]
OUT = ROOT / "results" / "benchmarks" / "lr_range.md"
PAIRS = (
    ("task=digits_mlp", "task.optimizer=sgd"),
    ("task=digits_mlp", "task.optimizer=momentum"),
    ("task=digits_mlp", "task.optimizer=adam", "task.scheduler=cosine"),
    ("task=digits_cnn", "task.optimizer=sgd", "task.scheduler=warmup"),
    ("task=digits_cnn", "task.optimizer=momentum"),
    ("task=digits_cnn", "task.optimizer=adam"),
    ("task=breast_cancer", "task.optimizer=sgd"),
    ("task=breast_cancer", "task.optimizer=momentum", "task.scheduler=cosine"),
    ("task=breast_cancer", "task.optimizer=adam", "task.scheduler=warmup"),
    ("task=diabetes", "task.optimizer=sgd", "task.scheduler=cosine"),
    ("task=diabetes", "task.optimizer=momentum"),
    ("task=diabetes", "task.optimizer=adam"),
)
TESTS, SEEDS = 10, 5


def main() -> None:
    """Run the pairs and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("results/bench_lr_range"), help="folder of the studies")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--only", default="", help="only pairs whose overrides contain this text")
    args = parser.parse_args()
    rows = [measure(pair, args.work) for pair in PAIRS if args.only in " ".join(pair)]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(table(rows), encoding="utf-8")
    print(table(rows))


def measure(pair: Sequence[str], work: Path) -> dict[str, Any]:
    """Return the rates that the range tests of a pair suggest, and how many seeds converge at each."""
    name = "-".join(word.split("=")[1] for word in pair)
    seeds = f"seeds=[{','.join(map(str, range(TESTS)))}]"
    summary = run([*pair, "+search=lr_range", "confirm=null", seeds, f"study={name}-range"], work)
    section = summary["stages"][0]["section"]
    rates = {
        "point": section["point"],
        "lowest": section["spread"] and section["spread"]["lowest"],
        "highest": section["spread"] and section["spread"]["highest"],
        "diverge": section["diverge"],
    }
    task = load_study_config(pair).study.task
    converged = {
        kind: None if rate is None else train([*pair, *overrides_for(rate, section["base_lr"], task)], name, kind, work)
        for kind, rate in rates.items()
    }
    read = sum(row["refusal"] is None for row in section["trials"])
    return {"pair": pair, "base_lr": section["base_lr"], "rates": rates, "converged": converged, "read": read}


def train(overrides: Sequence[str], name: str, kind: str, work: Path) -> int:
    """Return on how many of SEEDS seeds, none used by a range test, training converges and keeps the target."""
    seeds = f"seeds=[{','.join(map(str, range(100, 100 + SEEDS)))}]"
    summary = run([*overrides, seeds, "converge.stop_early=false", f"study={name}-{kind}"], work)
    return int(summary["base"]["converged"])


def run(overrides: Sequence[str], work: Path) -> dict[str, Any]:
    """Run a study and return its summary. Raises RuntimeError if it does not finish."""
    command = [sys.executable, "-m", "sweep", *overrides, f"results={work.absolute()}"]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{ended.stdout}\n{ended.stderr}")
    study = next(word.removeprefix("study=") for word in overrides if word.startswith("study="))
    summary: dict[str, Any] = json.loads((work / study / "summary.json").read_text(encoding="utf-8"))
    return summary


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the results as Markdown."""
    at_point = sum(row["converged"]["point"] == SEEDS for row in rows)
    at_diverge = sum(row["converged"]["diverge"] == 0 for row in rows)
    lines = [
        "# Learning-rate range: does training at the suggestion converge?",
        "",
        f"`python scripts/bench_lr_range.py`: {TESTS} range tests per pair (seeds 0 to {TESTS - 1}, 150 steps each), "
        f"then {SEEDS} trainings on other seeds over the task's whole budget at each rate. Converged means that the "
        f"target is held at the end. {platform.machine()}, {os.cpu_count()} cores, CPU.",
        "",
        f"- At the suggested point (the median of the {TESTS}), {SEEDS} of {SEEDS} seeds converge for {at_point} of "
        f"{len(rows)} pairs.",
        f"- Where the loss blows up, 0 of {SEEDS} converge for {at_diverge} of {len(rows)} pairs.",
        "",
        "| task, optimizer, schedule | task's own rate | read off | suggested | converged | lowest to highest of "
        f"{TESTS} | converged at these | blows up at | converged |",
        "|:--|--:|--:|--:|--:|:--|--:|--:|--:|",
    ]
    for row in rows:
        rates, converged = row["rates"], row["converged"]
        pair = ", ".join(word.split("=")[1] for word in row["pair"])
        spread = f"{text(rates['lowest'])} to {text(rates['highest'])} (x{rates['highest'] / rates['lowest']:.1f})"
        ends = f"{out_of(converged['lowest'])}, {out_of(converged['highest'])}"
        cells = [
            pair, text(row["base_lr"]), f"{row['read']}/{TESTS}", text(rates["point"]), out_of(converged["point"]),
            spread, ends, text(rates["diverge"]), out_of(converged["diverge"]),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def text(rate: float | None) -> str:
    """Return a rate with two digits."""
    return "-" if rate is None else f"{rate:.2g}"


def out_of(count: int | None) -> str:
    """Return `4/5`."""
    return "-" if count is None else f"{count}/{SEEDS}"


if __name__ == "__main__":
    main()
