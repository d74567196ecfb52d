"""Sample nights and baselines for trying and testing reports: every verdict once, judged by the real rules.

python scripts/regression_samples.py FOLDER    writes summary.json, junit.xml, report.md and report.html there
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from sweep.analysis.regression import judge_task
from sweep.domain.nights import Baseline, Environment, LossHash, Night, NightRun
from sweep.domain.regression import NightResult, RegressionSettings, TaskReport
from sweep.report import Report, write_reports
from sweep.report.regression import NightDocument, night_document

START = datetime(2026, 10, 1, 2, 0, tzinfo=timezone.utc)
BUDGET = 600
TARGET = "val/acc >= 0.9"
HERE = Environment(
    git_sha="4f0c2a91d7e3b5c6a8f90123456789abcdef0123",
    packages=(("numpy", "2.3.1"), ("paddlepaddle", "3.3.0")),
    python="3.11.7",
    host="night-01",
    cpu="x86_64",
)
SETTINGS = RegressionSettings(tasks=8)
CONFIRMED = 8
"""Number of last nights whose alarms are checked on fresh seeds: no sample has an earlier alarm."""


def run(seed: int, tau: int | None, verdict: str | None = None) -> NightRun:
    word = verdict or ("converged" if tau is not None else "not_converged")
    return NightRun(seed=seed, tau=tau, budget=BUDGET, verdict=word)


def drawn(rng: np.random.Generator, seeds: Sequence[int], times: float = 1.0, cv: float = 0.1) -> tuple[NightRun, ...]:
    """Return runs that converge at about step 200 times `times`."""
    return tuple(run(seed, round(200 * times * exp(rng.normal(0, cv)))) for seed in seeds)


def baseline_of(runs: Sequence[NightRun], **changes: Any) -> Baseline:
    made = Baseline(task="digits", runs=tuple(runs), target=TARGET, environment=HERE, accepted_at=START)
    return replace(made, **changes)


def night_of(number: int, runs: Sequence[NightRun], **changes: Any) -> Night:
    at = START + timedelta(days=number)
    made = Night(name=f"{at:%Y-%m-%d}", at=at, runs=tuple(runs), wanted=3, target=TARGET, environment=HERE)
    return replace(made, **changes)


def seeds_of(number: int) -> range:
    return range(1000 * number, 1000 * number + 3)


def history(rng: np.random.Generator, nights: int, *, change_at: int | None = None, times: float = 1.0) -> list[Night]:
    """Return nights 1 to `nights`; from night `change_at` on, steps to target are multiplied."""
    return [
        night_of(n, drawn(rng, seeds_of(n), times if change_at is not None and n >= change_at else 1.0))
        for n in range(1, nights + 1)
    ]


def watched(task: str, baseline: Baseline, nights: Sequence[Night], fresh: Sequence[NightRun]) -> TaskReport:
    """Return the last night's report, with `fresh` runs if one of the last nights needed a confirmation."""
    shown = list(nights[:-CONFIRMED])
    for night in nights[-CONFIRMED:]:
        shown.append(night)
        if judge_task(task, baseline, shown, SETTINGS).needs_confirmation:
            seeds = [found.seed + 500 for found in night.runs]
            again = [replace(found, seed=seed) for found, seed in zip(fresh, seeds, strict=False)]
            shown[-1] = replace(night, confirmation=tuple(again))
    return judge_task(task, baseline, shown, SETTINGS)


def reports() -> Iterator[TaskReport]:
    rng = np.random.default_rng(5)
    baseline = baseline_of(drawn(rng, range(20)))
    newer = replace(
        HERE, git_sha="91b1e0d4c2aa77", packages=(("numpy", "2.3.1"), ("paddlepaddle", "3.3.1")), driver="575.57"
    )
    usual = drawn(rng, range(9000, 9003))
    yield watched("digits_cnn", baseline, history(rng, 40), usual)

    slow = [
        replace(n, environment=newer) if i >= 35 else n
        for i, n in enumerate(history(rng, 40, change_at=36, times=1.25))
    ]
    yield watched("digits_mlp_with_a_rather_long_name", baseline, slow, drawn(rng, range(9000, 9003), 1.25))

    stuck = [*history(rng, 30), night_of(31, [run(s, None) for s in seeds_of(31)], environment=newer)]
    yield watched("breast_cancer", baseline, stuck, [run(s, None, "diverged") for s in (1, 2, 3)])

    known = replace(baseline, hashes=(LossHash(seed=0, steps=30, digest="aa"),))
    nights = [replace(n, hashes=(LossHash(seed=0, steps=30, digest="aa"),)) for n in history(rng, 20)]
    nights[-1] = replace(nights[-1], environment=newer, hashes=(LossHash(seed=0, steps=30, digest="bb"),))
    yield watched("diabetes", known, nights, usual)

    yield watched("mnist", baseline, history(rng, 25, change_at=15, times=0.7), usual)
    yield watched("wine", baseline_of(drawn(rng, range(4)), task="wine"), history(rng, 4), usual)

    crashed = [*history(rng, 12), night_of(13, [run(s, None, "crash") for s in seeds_of(13)], environment=newer)]
    yield watched("cifar10", baseline, crashed, usual)
    partial = [
        *history(rng, 90),
        night_of(91, [*drawn(rng, [91000]), run(91001, None, "oom"), run(91002, None, "timeout")]),
    ]
    yield watched("iris", baseline, partial, usual)


def summary() -> NightDocument:
    """Return the document of a night on which every verdict occurs."""
    provenance = {
        "git_sha": HERE.git_sha,
        "packages": dict(HERE.packages),
        "host": HERE.host,
        "gpus": [],
        "seeds": [0, 1],
    }
    return night_document(
        NightResult.of("2026-11-09", reports()),
        at=START + timedelta(days=39),
        command=["python", "-m", "sweep", "+regression=nightly"],
        provenance=provenance,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    write_reports(Report(document=summary(), folder=parser.parse_args().folder))


if __name__ == "__main__":
    main()
