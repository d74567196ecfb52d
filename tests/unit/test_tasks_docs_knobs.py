import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "tasks.md").read_text()
CONFIGS = {path.stem: OmegaConf.load(path) for path in sorted((ROOT / "conf" / "task").glob("*.yaml"))}
NATIVE = {name: config for name, config in CONFIGS.items() if str(config.task.get("_target_", "")).startswith("tasks.")}
KNOBS = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", DOCS, re.MULTILINE))


def having(knob: str) -> set[str]:
    """Return the task modules that the table of knobs gives a knob to."""
    modules = {config.task["_target_"].split(".")[1] for config in NATIVE.values()}
    named = set(re.findall(r"`(\w+)`", KNOBS[knob]))
    return (modules - named) if KNOBS[knob].startswith("all") else named


@pytest.mark.parametrize("name", NATIVE)
def test_the_table_of_knobs_gives_a_task_exactly_the_knobs_it_has(name):
    section = NATIVE[name].task
    module = section["_target_"].split(".")[1]
    assert {knob for knob in KNOBS if knob not in NATIVE and module in having(knob)} == set(section) - {"_target_"}


@pytest.mark.parametrize("name", NATIVE)
def test_the_table_of_tasks_states_the_target_of_the_config(name):
    converge = NATIVE[name].converge
    row = next(line for line in DOCS.splitlines() if line.startswith(f"| `{name}` |"))
    assert f"`{converge.metric}` ≥ {converge.target}, {converge.budget_steps:,} steps" in row
