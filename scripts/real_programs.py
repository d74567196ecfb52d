"""Runs public packages' own trainers, with planted faults, through sweep: is what repairs them found, unmodified?

    python scripts/real_programs.py [--environments DIR] [--work DIR] [--only NAMES] [--seeds 5] [--write]

Each recipe in scripts/real/ is a program that none of us wrote but for its last lines, on tiny data: `train.py`,
`requirements.txt`, and `truth.json`, which says what was found by hand. Each runs in an environment of its own, sweep
installed beside its own NumPy, one change at a time over all axes. A toggle that repairs the fault by hand must
converge in at least 4 of 5 seeds, one that does not in at most 1. Not part of CI: it installs 5 environments
(5 GB) and trains for about an hour. What has finished in `--work` is not run again.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import machine
from real_environments import ROOT, Recipe, environment, installed, recipes

TABLE = ROOT / "results" / "benchmarks" / "real_programs.md"
AXES = tuple(sorted(path.stem for path in (ROOT / "conf" / "axis").glob("*.yaml")))
REPAIRS_AT_LEAST, OTHERS_AT_MOST = 0.8, 0.2  # shares of the seeds: 4 of 5, and 1 of 5
STUDY = "real"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the study of a recipe found. `toggles` is that section of its summary, by toggle."""

    recipe: Recipe
    base: tuple[int, int]
    toggles: dict[str, dict[str, Any]]
    limits: tuple[str, ...]
    trials: int
    wall_s: float
    numpy: str

    def converged(self, toggle: str) -> tuple[int, int] | None:
        """Return in how many of how many seeds a toggle converged; None if it was not run."""
        found = self.toggles.get(toggle)
        return (found["converged"], found["trials"]) if found and found["trials"] else None

    def is_as_expected(self, toggle: str) -> bool:
        counts = self.converged(toggle)
        share = counts[0] / counts[1] if counts else 0.0
        if toggle in self.recipe.repaired_by:
            return share >= REPAIRS_AT_LEAST
        return share <= OTHERS_AT_MOST


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = [recipe.name for recipe in recipes()]
    temporary = Path(tempfile.gettempdir())
    parser.add_argument("--environments", type=Path, default=temporary / "sweep-real-environments", metavar="DIR")
    parser.add_argument("--work", type=Path, default=temporary / "sweep-real-programs", metavar="DIR")
    parser.add_argument("--only", nargs="+", choices=known, default=[], metavar="NAME", help=", ".join(known))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--install", action="store_true", help="only make the environments")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name} under results/benchmarks/")
    args = parser.parse_args()
    chosen = recipes(args.only)
    pythons = {recipe.name: environment(recipe, args.environments.absolute()) for recipe in chosen}
    if args.install:
        return 0
    rows = [measure(recipe, pythons[recipe.name], args.work.absolute(), args.seeds) for recipe in chosen]
    text = table(rows, args.seeds)
    print(text)
    if args.write:
        TABLE.write_text(text, encoding="utf-8")
    return 0 if all(row.is_as_expected(toggle) for row in rows for toggle in expected(row.recipe)) else 1


def measure(recipe: Recipe, python: Path, work: Path, seeds: int) -> Measured:
    """Run the study of a recipe, or what is missing of it, and return what it found. Raises CalledProcessError."""
    folder = work / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(recipe.folder / "train.py", folder)
    words = [
        "train.py",
        f"study={STUDY}",
        f"+axis=[{','.join(AXES)}]",
        "driver.design=one_at_a_time",
        f"seeds={seeds}",
        f"converge.metric={recipe.metric}",
        f"converge.mode={recipe.mode}",
        f"converge.target={recipe.target}",
        "--",
        *recipe.args,
    ]
    print(f"{recipe.name}: python -m sweep {' '.join(words)}", flush=True)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([str(python), "-m", "sweep", *words], check=True, cwd=folder, env=environ)
    summary = json.loads((folder / "results" / STUDY / "summary.json").read_text(encoding="utf-8"))
    base = summary["base"]
    return Measured(
        recipe=recipe,
        base=(base["converged"], base["seeds"]),
        toggles={toggle["toggle"]: toggle for toggle in summary["toggles"]},
        limits=limits(folder),
        trials=summary["cost"]["trials"],
        wall_s=summary["cost"]["wall_s"],
        numpy=next(each.partition("==")[2] for each in installed(python) if each.startswith("numpy==")),
    )


def limits(folder: Path) -> tuple[str, ...]:
    """Return what the first run of the program named as not reached."""
    for summary in (folder / "results").glob("*inventory*/summary.json"):
        for stage in json.loads(summary.read_text(encoding="utf-8")).get("stages", []):
            if "inventory" in stage["section"]:
                return tuple(stage["section"]["inventory"]["limits"])
    return ()


def expected(recipe: Recipe) -> tuple[str, ...]:
    return (*recipe.repaired_by, *recipe.not_repaired_by)


def table(rows: Sequence[Measured], seeds: int) -> str:
    """Return the table as Markdown."""
    lines = [
        "# Real programs with planted faults, unmodified",
        "",
        "Public packages' own trainers on tiny data, each in an environment of its own with sweep beside its own",
        "NumPy, one change at a time over all axes. What repairs the fault, and what does not, was first found by",
        "hand. Expected: a repair converges in at least 4 of 5 seeds, another change in at most 1.",
        "",
        "| program | fault | base | toggle | by hand | converged | as expected |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        for toggle in expected(row.recipe):
            by_hand = "repairs" if toggle in row.recipe.repaired_by else "does not"
            right = "yes" if row.is_as_expected(toggle) else "**no**"
            lines.append(
                f"| {row.recipe.name} | {row.recipe.fault} | {counts(row.base)} | {toggle} | {by_hand} "
                f"| {counts(row.converged(toggle), row.toggles.get(toggle))} | {right} |"
            )
    lines += [
        "",
        "The other toggles of the same studies:",
        "",
        "| program | metric and target | also converged | did not | would change nothing | trials | time | NumPy |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        sign = "≥" if row.recipe.mode == "max" else "≤"
        lines.append(
            f"| {row.recipe.package}: {row.recipe.kind} | `{row.recipe.metric}` {sign} {row.recipe.target:g} "
            f"| {others(row, has_converged=True)} | {others(row, has_converged=False)} | {inert(row)} "
            f"| {row.trials} | {row.wall_s:.0f} s | {row.numpy} |"
        )
    lines += ["", "What was not reached, as the first run of each named it:", ""]
    lines += [f"- {row.recipe.name}: {'; '.join(row.limits) or 'nothing'}" for row in rows]
    only = "" if len(rows) == len(recipes()) else f" --only {' '.join(row.recipe.name for row in rows)}"
    lines += [
        "",
        f"Machine: {machine()}; {seeds} seeds. Paddle 3.3.1, other versions: scripts/real/*/requirements.txt.",
        f"Command: `python scripts/real_programs.py{only} --write`",
    ]
    return "\n".join(lines) + "\n"


def counts(found: tuple[int, int] | None, toggle: dict[str, Any] | None = None) -> str:
    if found is None:
        return "not run" if toggle is None else str(toggle["status"])
    return f"{found[0]}/{found[1]}"


def others(row: Measured, *, has_converged: bool) -> str:
    """Return the toggles that nothing is known about by hand, with their counts."""
    named = []
    for toggle in row.toggles:
        found = row.converged(toggle)
        if found and toggle not in expected(row.recipe) and (found[0] > OTHERS_AT_MOST * found[1]) == has_converged:
            named.append(f"{toggle} {counts(found)}")
    return ", ".join(named) or "none"


def inert(row: Measured) -> str:
    return ", ".join(name for name, toggle in row.toggles.items() if toggle["status"] == "inert") or "none"


if __name__ == "__main__":
    raise SystemExit(main())
