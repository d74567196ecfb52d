"""Measures the store at the size it is made for, and compares it with plain sqlite3, one row per point.

    python scripts/bench_store.py [--trials 10000] [--write]

A trial is 200 points of 3 metrics, written in 4 chunks, then its end with a verdict. Every call is a separate
transaction, which is the slowest way to use the store. The values are full-precision noise, which compresses worst.
`--write` puts the table into results/benchmarks/store.md.
"""

import argparse
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
from machine import machine

from sweep.domain.axis import Cell
from sweep.domain.metric import Series
from sweep.domain.states import TrialState
from sweep.domain.trial import TrialSpec
from sweep.domain.verdict import Judgement, Symptom, Verdict
from sweep.store import Store

POINTS = 200
DELIVERIES = 4
METRICS = ("grad/norm", "train/loss", "val/acc")
AXES = ("augmentation", "dropout", "init", "weight_decay")
SEEDS = 10
TABLE = Path(__file__).parent.parent / "results" / "benchmarks" / "store.md"


def series(trial: int, *, as_trained: bool) -> dict[str, Series]:
    """Return one trial's curves: float64 noise, or what a training loop logs (float32 losses, k of 360 right)."""
    draw = np.random.default_rng(trial)
    steps = np.arange(POINTS, dtype=np.int64) * 5
    curves = {name: np.exp(-steps / 300) + draw.normal(0, 0.1, POINTS) for name in METRICS}
    if as_trained:
        curves = {name: values.astype(np.float32).astype(np.float64) for name, values in curves.items()}
        curves["val/acc"] = np.round((1 - np.exp(-steps / 300)) * 360 + draw.normal(0, 4, POINTS)) / 360
    return {name: Series(steps, values) for name, values in curves.items()}


def parts(curves: dict[str, Series]) -> Iterator[dict[str, Series]]:
    size = POINTS // DELIVERIES
    for at in range(0, POINTS, size):
        yield {name: Series(s.steps[at : at + size], s.values[at : at + size]) for name, s in curves.items()}


def specs(trials: int) -> list[TrialSpec]:
    knobs = dict.fromkeys(("dropout", "weight_decay", "clip", "lr_scale", "batch_scale", "label_smoothing"), 0.5)
    made = []
    for number in range(trials):
        on = [f"{axis}=off" for bit, axis in enumerate(AXES) if number // SEEDS >> bit & 1]
        made.append(
            TrialSpec(
                cell=Cell.of(on),
                seed=number,
                overrides=tuple(f"task.{toggle.partition('=')[0]}=0.0" for toggle in on),
                task={"_target_": "tasks.digits.train", "steps": 1000, "model": "cnn", **knobs},
                fingerprint=f"{number:064x}",
            )
        )
    return made


def judgement(number: int) -> Judgement:
    symptoms = (Symptom(rule="flat", step=400, value=0.01, threshold=0.1, metric="train/loss"),)
    return Judgement(
        verdict=Verdict.STALLED if number % 2 else Verdict.CONVERGED,
        reason="val/acc >= 0.9 held for 3 evaluations from step 340",
        rule="target",
        tau=None if number % 2 else 340,
        last_step=995,
        best=0.91,
        final=0.9,
        symptoms=symptoms if number % 2 else (),
    )


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def fill(path: Path, curves: list[dict[str, Series]]) -> dict[str, float]:
    """Write a study of these curves through the store; return seconds by operation."""
    spent = {}
    with Store.open(f"sqlite:///{path}") as store:
        study = store.create_study(name="bench", task="digits", command=[], config={}, provenance={})
        spent["add_trials"] = timed(lambda: store.add_trials(study.id, specs(len(curves))))
        trials = store.trials(study.id)
        start, cpu = time.perf_counter(), time.process_time()
        for trial in trials:
            run = store.begin_run(trial.id, f"results/bench/trials/{trial.number}")
            store.run_started(run.id, pid=trial.number + 1, pid_started_at=1.7e9, host="host", device="cpu")
            store.mark_running(run.id)
            for at, points in enumerate(parts(curves[trial.number])):
                store.ingest(run.id, from_byte=at * 9000, to_byte=at * 9000 + 9000, points=points)
            store.end_run(
                run.id,
                state=TrialState.COMPLETED,
                stop_reason="returned",
                wall_s=12.3,
                last_step=995,
                judgement=judgement(trial.number),
            )
        spent["ingest"], spent["ingest CPU"] = time.perf_counter() - start, time.process_time() - cpu
    return spent


def read(path: Path) -> dict[str, float]:
    with Store.open(f"sqlite:///{path}", read_only=True) as store:
        study = store.latest_study()
        return {
            "outcomes": timed(lambda: store.outcomes(study.id)),
            "counts": timed(lambda: (store.counts(study.id), store.verdict_counts(study.id))),
            "find_finished": timed(lambda: store.find_finished(f"{n:064x}" for n in range(10_000))),
            "metric_names": timed(lambda: store.metric_names(study.id)),
            "series": timed(lambda: [len(s) for _, _, s in store.study_series(study.id, METRICS)]),
        }


def plain_rows(path: Path, curves: list[dict[str, Series]]) -> tuple[float, float]:
    """Write the same points as rows, one transaction per chunk, and read them back; return both times in seconds."""
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=NORMAL")
    conn.execute(
        "CREATE TABLE points (run INTEGER, metric TEXT, step INTEGER, value REAL, PRIMARY KEY (run, metric, step))"
    )

    def write() -> None:
        for run, each in enumerate(curves):
            for points in parts(each):
                rows = [
                    (run, name, step, value)
                    for name, s in points.items()
                    for step, value in zip(s.steps.tolist(), s.values.tolist(), strict=True)
                ]
                with conn:
                    conn.executemany("INSERT INTO points VALUES (?, ?, ?, ?)", rows)

    def read_back() -> None:
        found: dict[tuple[int, str], list[tuple[int, float]]] = {}
        for run, name, step, value in conn.execute("SELECT run, metric, step, value FROM points ORDER BY 1, 2, 3"):
            found.setdefault((run, name), []).append((step, value))
        for points in found.values():
            Series.of(points)

    spent = timed(write), timed(read_back)
    conn.close()
    return spent


def import_s() -> float:
    """Return the seconds that `import sweep.store` adds to an empty program, median of 5 fresh interpreters."""

    def once(code: str) -> float:
        return timed(lambda: subprocess.run([sys.executable, "-c", code], check=True))

    return float(np.median([once("import sweep.store") - once("pass") for _ in range(5)]))


def table(trials: int) -> str:
    noise = [series(n, as_trained=False) for n in range(trials)]
    points = trials * POINTS * len(METRICS)
    with tempfile.TemporaryDirectory() as folder:
        stored, trained, rows = (Path(folder) / name for name in ("store.db", "trained.db", "rows.db"))
        wrote = fill(stored, noise)
        got = read(stored)
        rows_wrote, rows_read = plain_rows(rows, noise)
        fill(trained, [series(n, as_trained=True) for n in range(trials)])
        size, trained_size, rows_size = (path.stat().st_size for path in (stored, trained, rows))

    def line(what: str, ours: str, plain: str = "", ratio: float | None = None, target: str = "") -> str:
        return f"| {what} | {ours} | {plain} | {'' if ratio is None else f'{ratio:.1f}x'} | {target} |"

    return "\n".join(
        [
            f"{trials:,} trials x {POINTS} points x {len(METRICS)} metrics = {points:,} points.",
            "",
            "| | store | plain sqlite3, a row per point | better by | target |",
            "|---|---|---|---|---|",
            line(
                "points ingested a second, run bookkeeping included",
                f"{points / wrote['ingest']:,.0f}",
                f"{points / rows_wrote:,.0f} (points alone)",
                rows_wrote / wrote["ingest"],
                ">= 100,000",
            ),
            line("the same by CPU time", f"{points / wrote['ingest CPU']:,.0f}"),
            line("CPU of a trial, from begin_run to end_run", f"{wrote['ingest CPU'] / trials * 1e3:.1f} ms"),
            line(
                "bytes a point, whole file, float64 noise",
                f"{size / points:.1f}",
                f"{rows_size / points:.1f} (points alone)",
                rows_size / size,
                "<= 20",
            ),
            line("bytes a point, whole file, values as trained", f"{trained_size / points:.1f}", target="<= 20"),
            line(
                "study_series(), all curves", f"{got['series']:.2f} s", f"{rows_read:.2f} s", rows_read / got["series"]
            ),
            line("outcomes()", f"{got['outcomes']:.2f} s", target="<= 1 s, ranking included"),
            line("counts() and verdict_counts()", f"{got['counts'] * 1e3:.1f} ms"),
            line("find_finished(10,000 fingerprints)", f"{got['find_finished']:.2f} s"),
            line("metric_names()", f"{got['metric_names'] * 1e3:.0f} ms"),
            line(f"add_trials({trials:,})", f"{wrote['add_trials']:.2f} s"),
            line("import sweep.store, fresh interpreter", f"{import_s():.2f} s", target="reading verbs < 1 s"),
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name} under results/benchmarks/")
    args = parser.parse_args()
    command = f"python scripts/bench_store.py --trials {args.trials}"
    versions = ", ".join(f"{name} {version(name)}" for name in ("sqlalchemy", "numpy"))
    text = (
        f"# Store\n\n`{command}` on {machine()}; Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{versions}. One run, at a load average of {os.getloadavg()[0]:.1f}.\n\n{table(args.trials)}"
    )
    print(text)
    if args.write:
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
