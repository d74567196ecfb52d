"""Measures the reports of a study of 10,000 trials x 200 points x 3 metrics, and the same panels by matplotlib.

    python scripts/bench_report.py [--write]

Two shapes: a full factorial of ten axes (1,024 cells x 10 seeds, cut to 10,000 trials) and a search (10,000 cells, one
trial each). "all files" is summary.json, report.html, report.md and ranking.csv. matplotlib draws 12 SVG panels with
the same number of curves as ours, thinned to 60 points like ours; its time is extrapolated to all panels of our page.
Memory is the process's peak. `--write` puts the table into results/benchmarks/report.md.
"""

import argparse
import io
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
import numpy as np
from report_samples import TARGET, axes_of, curves_of, outcome_of

from sweep.analysis import rank
from sweep.domain.axis import Cell
from sweep.domain.kinds import StudyKind
from sweep.domain.metric import Series
from sweep.domain.recorded_config import RecordedConfig
from sweep.domain.trial import Outcome, StudyRecord
from sweep.plan.designs import DESIGNS
from sweep.report import Report, ReportData, build_document, write_reports
from sweep.report.html import render_html
from sweep.report.visualdl import write_trial

TRIALS = 10_000
POINTS = 200
TABLE = Path(__file__).parent.parent / "results" / "benchmarks" / "report.md"
LIMIT_S, LIMIT_MB = 15.0, 5.0
HEAD = (
    "study",
    "trials",
    "cells",
    "all files",
    "report.html",
    "its size",
    "summary.json",
    "panels",
    "matplotlib",
    "ratio",
)


def factorial_cells() -> list[tuple[Cell, int]]:
    axes = axes_of({f"axis_{k}": {"off": [f"task.knob_{k}=0"]} for k in range(10)})
    return [(cell, seed) for cell in DESIGNS["full_factorial"](axes) for seed in range(10)][:TRIALS]


def search_cells() -> list[tuple[Cell, int]]:
    draw = np.random.default_rng(1)
    return [
        (
            Cell(params=(("task.lr", f"{10 ** draw.uniform(-4, 0):.6g}"), ("task.width", str(draw.integers(8, 256))))),
            k % 3,
        )
        for k in range(TRIALS)
    ]


def data_of(name: str, cells: list[tuple[Cell, int]]) -> ReportData:
    """Return a study whose trials converge, diverge and stall; each curve is a separate array, as from the store."""
    axes = axes_of({f"axis_{k}": {"off": [f"task.knob_{k}=0"]} for k in range(10)}) if "search" not in name else ()
    draw = np.random.default_rng(0)
    pool = {
        fate: [curves_of(fate, draw, points=POINTS) for _ in range(50)] for fate in ("converged", "diverged", "stalled")
    }
    outcomes: list[Outcome] = []
    curves: dict[int, dict[str, Series]] = {}
    for number, (cell, seed) in enumerate(cells):
        fate = ("converged", "diverged", "stalled")[(len(cell.key) + seed) % 3]
        made = pool[fate][number % 50]
        curves[number] = {metric: Series(s.steps.copy(), s.values.copy()) for metric, s in made.items()}
        outcomes.append(replace(outcome_of(number, cell, seed, fate, made), reused=False))
    now = datetime.now(timezone.utc)
    study = StudyRecord(
        id=1, name=name, kind=StudyKind.ABLATION, task="synthetic", command=("python", "-m", "sweep", f"study={name}"),
        config=RecordedConfig(), provenance={}, created_at=now, ended_at=now, status="ended",
    )  # fmt: skip
    ranking = rank(outcomes, axes, TARGET)
    return ReportData(
        study=study, axes=axes, target=TARGET, ranking=ranking, outcomes=tuple(outcomes), curves=curves
    )  # fmt: skip


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def matplotlib_panel(curves: int, panels: int = 12) -> tuple[float, float]:
    """Return seconds and kB per panel of `curves` curves of 60 points, all in one figure saved as SVG."""
    mpl.use("svg")
    from matplotlib import pyplot as plt

    draw = np.random.default_rng(0)
    xs, out = np.linspace(0, 600, 60), io.BytesIO()

    def figure() -> None:
        fig, grid = plt.subplots(panels // 4, 4, figsize=(12, 1.6 * panels / 4))
        for ax in grid.flat:
            for _ in range(curves):
                ax.plot(xs, np.exp(-xs / 200) + draw.normal(0, 0.02, 60), linewidth=1)
            ax.axhline(0.5, linestyle="--")
            ax.set_title("axis_0=off + axis_1=off", fontsize=8)
        fig.subplots_adjust(hspace=0.6)
        out.seek(0)
        out.truncate()
        fig.savefig(out, format="svg")
        plt.close(fig)

    figure()
    seconds = min(timed(figure) for _ in range(3))
    return seconds / panels, out.tell() / panels / 1e3


def row(name: str, cells: list[tuple[Cell, int]]) -> tuple[str, bool]:
    data = data_of(name, cells)
    with tempfile.TemporaryDirectory() as folder:
        all_s = timed(lambda: write_reports(Report(document=build_document(data), folder=Path(folder), data=data)))
        sizes = {path.name: path.stat().st_size / 1e6 for path in Path(folder).iterdir()}
    summary = build_document(data)
    html_s = timed(lambda: render_html(data, summary))
    panels = render_html(data, summary).count('class="panel"')
    panel_s, panel_kb = matplotlib_panel(round(len(data.outcomes) / len(data.ranking.cells)))
    theirs, theirs_mb = panel_s * panels, panel_kb * panels / 1e3
    is_met = all_s <= LIMIT_S and sizes["report.html"] <= LIMIT_MB
    drawn = f"{panels} | {theirs:.1f} s, {theirs_mb:.1f} MB"
    return (
        f"| {name} | {len(data.outcomes):,} | {len(data.ranking.cells):,} | {all_s:.2f} s | {html_s:.2f} s |"
        f" {sizes['report.html']:.2f} MB | {sizes['summary.json']:.2f} MB | {drawn} |"
        f" {theirs / html_s:.0f} x |",
        is_met,
    )


def visualdl_line() -> str:
    draw = np.random.default_rng(0)
    curves = curves_of("converged", draw, points=POINTS)
    with tempfile.TemporaryDirectory() as folder:
        write_trial(Path(folder) / "warm" / "vdl", {"lr": 0.1}, curves)
        paths = [Path(folder) / str(k) / "vdl" for k in range(20)]
        seconds = [timed(partial(write_trial, path, {"lr": 0.1}, curves)) for path in paths]
        size = next((Path(folder) / "0" / "vdl").iterdir()).stat().st_size
        log_writer = [timed(partial(by_log_writer, Path(folder) / f"w{k}", curves)) for k in range(5)]
    ours, theirs = float(np.median(seconds)), float(np.median(log_writer))
    return (
        f"VisualDL log of one trial (600 points): {ours * 1e3:.0f} ms, {size / 1e3:.0f} kB;"
        f" the same by visualdl.LogWriter: {theirs * 1e3:.0f} ms ({theirs / ours:.0f} x)."
    )


def by_log_writer(folder: Path, curves: dict[str, Series]) -> None:
    from visualdl import LogWriter

    with LogWriter(logdir=str(folder)) as writer:
        writer.add_hparams({"lr": 0.1}, list(curves))
        for metric, series in curves.items():
            for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True):
                writer.add_scalar(metric, value, step)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    shapes = {"full factorial": factorial_cells(), "search": search_cells()}
    rows, met = zip(*(row(name, cells) for name, cells in shapes.items()), strict=True)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    packages = ", ".join(f"{name} {version(name.lower())}" for name in ("NumPy", "Jinja2", "matplotlib", "visualdl"))
    text = "\n".join(
        [
            "# Report",
            "",
            f'{TRIALS:,} trials x {POINTS} points x 3 metrics. "all files": summary.json, report.html, report.md and',
            "ranking.csv. matplotlib: as many panels, with as many curves each, of 60 points, as SVG, extrapolated",
            "from 12; the ratio is of its time against report.html as a whole.",
            "",
            f"| {' | '.join(HEAD)} |",
            f"|{' --- |' * len(HEAD)}",
            *rows,
            "",
            f"Target: at most {LIMIT_S:.0f} s and {LIMIT_MB:.0f} MB: {'met' if all(met) else 'NOT met'}."
            f" Peak memory of the whole benchmark, all curves included: {peak_mb:.0f} MB.",
            visualdl_line(),
            "",
            f"Machine: {platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}, {packages}.",
            f"Command: `python scripts/bench_report.py{' --write' if args.write else ''}`",
            "",
        ]
    )
    print(text)
    if args.write:
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        TABLE.write_text(text)
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
