"""What a study made of stages will run, as far as that is known in advance."""

from sweep.analysis.checks.lr_confirm import FACTORS
from sweep.config import LoadedConfig, StudyConfig
from sweep.config.offered import toggles_that_can_be_tried
from sweep.domain.json_form import JsonObject
from sweep.domain.stages import stage_study
from sweep.errors import NothingToVaryError
from sweep.study.inventory import settled_on_record
from sweep.study.planning import StudyPlan, driver_of
from sweep.study.stages import (
    FRESH_SEEDS,
    VERIFIED,
    OpenAblation,
    ablation_question,
    added_axes,
    check_stages,
    fixed_stage,
    stage_command,
)


def plan_stages(loaded: LoadedConfig) -> JsonObject:
    """Return the stages in order: study, command, and the largest number of trials and optimizer steps of each.

    `trials` and `steps` are None for an adaptive driver. Raises ConfigError if a stage cannot be composed.
    """
    check_stages(loaded.study.stages)
    driver_of(loaded.study)
    return {
        "schema": 1,
        "study": loaded.study.name,
        "task": loaded.study.task_name,
        "stages": [_planned(stage, loaded) for stage in loaded.study.stages],
    }


def confirming_trials(config: StudyConfig) -> int:
    """Return the largest number of trials that confirm a study's suggestion, including those of the unchanged task."""
    return 0 if config.confirm is None else (1 + len(FACTORS)) * config.confirm.seeds


def _planned(stage: str, whole: LoadedConfig) -> JsonObject:
    config = whole.study
    if stage == "verify":
        return _left_open(stage, config, trials=(1 + VERIFIED) * FRESH_SEEDS)
    is_open = stage == "ablation" and not ablation_question(whole.overrides)
    try:
        loaded = OpenAblation.of(whole).usual if is_open else fixed_stage(stage, whole)
        if is_open and not loaded.study.axes:  # the ablation may vary the learning rate found
            return _left_open(stage, config, trials=2 * len(config.seeds))
        loaded, _ = settled_on_record(loaded)
        planned = StudyPlan(loaded)
        planned.driver()
    except NothingToVaryError:
        return _left_open(stage, config, trials=2 * len(config.seeds))
    trials = None if planned.fixed is None else len(planned.fixed.trials)
    if trials is not None and is_open:  # the axes that the symptoms may add to `ablation=all`
        trials += _added_levels(planned.config) * len(config.seeds)
    steps = None if trials is None or planned.config.target.is_open else trials * planned.config.target.budget_steps
    if trials is not None and steps is not None:
        confirming = confirming_trials(planned.config)
        trials += confirming
        steps = None if config.target.is_open else steps + confirming * config.target.budget_steps
    return {
        "stage": stage,
        "study": planned.config.name,
        "trials": trials,
        "steps": steps,
        "command": stage_command(loaded),
    }


def _added_levels(config: StudyConfig) -> int:
    """Return the number of levels, in addition to `ablation=all`, that symptoms may add to the ablation."""
    usual = {axis.name for axis in config.axes} | {each.toggle.axis for each in config.inert}
    toggles = toggles_that_can_be_tried(config.task)
    added = added_axes(toggles, config.task, usual)
    return sum(toggle.partition("=")[0] in added for toggle in toggles)


def _left_open(stage: str, config: StudyConfig, *, trials: int) -> JsonObject:
    """Return a stage that depends on what earlier stages find, and so has no command yet."""
    return {
        "stage": stage,
        "study": stage_study(config.name, stage),
        "trials": trials,
        "steps": None if config.target.is_open else trials * config.target.budget_steps,
        "command": "",
    }
