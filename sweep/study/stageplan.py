"""What a study made of stages will run, as far as that can be known before anything has."""

from typing import Any

from sweep.config import LoadedConfig, load_study_config
from sweep.study.planning import StudyPlan
from sweep.study.stages import (
    FRESH_SEEDS,
    VERIFIED,
    ablation_question,
    check_stages,
    stage_command,
    stage_overrides,
    stage_study,
)


def plan_stages(loaded: LoadedConfig) -> dict[str, Any]:
    """Return the stages in order: study, command, and how many trials and optimizer steps each takes at most.

    `trials` and `steps` are None for a driver that decides itself. Raises ConfigError where a stage cannot be composed.
    """
    check_stages(loaded.study.stages)
    return {
        "schema": 1,
        "study": loaded.study.name,
        "task": loaded.study.task_name,
        "stages": [_planned(stage, loaded) for stage in loaded.study.stages],
    }


def _planned(stage: str, loaded: LoadedConfig) -> dict[str, Any]:
    config = loaded.study
    trials: int | None = (1 + VERIFIED) * FRESH_SEEDS
    if stage == "verify":  # of what the ablation leaves open
        steps: int | None = (1 + VERIFIED) * FRESH_SEEDS * config.target.budget_steps
        return {
            "stage": stage,
            "study": stage_study(config.name, stage),
            "trials": trials,
            "steps": steps,
            "command": "",
        }
    asks_itself = ablation_question(loaded.overrides)
    ablation = ("+ablation=all",) if stage == "ablation" and not asks_itself else ()
    overrides = stage_overrides(stage, loaded.overrides, study=config.name, seeds=config.seeds, ablation=ablation)
    planned = StudyPlan(load_study_config(overrides, loaded.config_dirs))
    trials = None if planned.fixed is None else len(planned.fixed.trials)
    steps = None if trials is None else trials * planned.config.target.budget_steps
    return {
        "stage": stage,
        "study": planned.config.name,
        "trials": trials,
        "steps": steps,
        "command": stage_command(overrides, loaded.config_dirs),
    }
