"""The stages of a study made of others: what each is asked, as overrides of the command it belongs to. Pure.

A stage is a study of its own: its name is `<study>.<stage>`, its command can be given alone, and what it has finished
is not run again.
"""

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sweep.config.folders import folder_words
from sweep.config.offered import can_try
from sweep.config.secrets import recordable
from sweep.config.stagesettings import is_setting, stage_word
from sweep.domain.stages import stage_study
from sweep.errors import ConfigError
from sweep.report.commands import PROGRAM, key_of, section_of

BASE_SEEDS = 3
"""Seeds of the base stage: they confirm that it fails, and how."""

DATA_AXES = ("dropout", "weight_decay", "augmentation", "batch_size", "shuffle")
"""Axes that act through the data or against memorizing it: not to blame if ten samples cannot be overfitted."""

ALL_STAGES = ("data", "base", "overfit", "lr_range", "ablation", "verify")

VERIFIED = 3
"""At most so many changes are verified: with FRESH_SEEDS each, Holm's correction for three leaves 5 of 5 against 0 of 5
decided (p = .024)."""

FRESH_SEEDS = 5

_OF_THE_ROAD = frozenset({"diagnose", "check", "study", "stages"})
_OF_THE_ABLATION = frozenset({"ablation", "axes", "axis", "driver", "params", "search"})
_OWN = {"data": ("+check=data",), "overfit": ("+check=overfit",), "lr_range": ("+search=lr_range",)}


def check_stages(stages: Sequence[str]) -> None:
    """Raise ConfigError for a stage that does not exist, or one named twice."""
    for stage in stages:
        if stage not in ALL_STAGES:
            raise ConfigError("stages", "there is no such stage", value=stage, allowed=ALL_STAGES)
    if len(set(stages)) != len(stages):
        raise ConfigError("stages", "a stage is named twice", value=", ".join(stages))


def with_settings(stages: Iterable[str], overrides: Iterable[str]) -> list[str]:
    """Return the stages that a command has settings for (`probe.KEY`)."""
    words = [word for word in overrides if is_setting(key_of(word) or "")]
    return [stage for stage in stages if any(stage_word(stage, word) is not None for word in words)]


def stage_overrides(
    stage: str, overrides: Sequence[str], *, study: str, seeds: Sequence[int], ablation: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the overrides of a stage's study: the command's own, without what belongs to other stages.

    A setting of a check (`probe.KEY`) goes to the check that has the key. `seeds` are the command's resolved seeds;
    `ablation` is what the stages ablation and verify ask themselves.
    """
    dropped = _OF_THE_ROAD if stage == "ablation" else _OF_THE_ROAD | _OF_THE_ABLATION
    if stage != "ablation":
        dropped |= {"seeds"}
    asked = (stage_word(stage, word) if is_setting(key_of(word) or "") else word for word in overrides)
    kept = [word for word in asked if word is not None and section_of(word) not in dropped]
    own = list(_OWN.get(stage, ablation))
    if stage == "base":
        own = [f"seeds={_listed(seeds[:BASE_SEEDS])}"]
    if stage == "verify":
        own += ["driver.design=one_at_a_time", f"seeds={_listed(range(max(seeds) + 1, max(seeds) + 1 + FRESH_SEEDS))}"]
    return (*kept, *own, f"study={stage_study(study, stage)}")


def ablation_question(overrides: Iterable[str]) -> bool:
    """Return whether a command says itself what the ablation stage is to vary."""
    return any(section_of(word) in {"ablation", "axes", "axis", "params", "search"} for word in overrides)


def chosen_axes(available: Sequence[str], pointed: Sequence[str], *, learns: bool) -> tuple[str, ...]:
    """Return the axes for the ablation stage: those the symptoms point to, all where they point to none.

    Where ten samples could not be learnt (`learns` False), DATA_AXES are left out, unless nothing else is there.
    """
    chosen = [axis for axis in available if axis in pointed] or list(available)
    able = [axis for axis in chosen if learns or axis not in DATA_AXES]
    able = able or [axis for axis in available if axis not in DATA_AXES]
    return tuple(able or chosen)


def added_axes(toggles: Iterable[str], knobs: Mapping[str, object], usual: Collection[str]) -> tuple[str, ...]:
    """Return the axes of these toggles that an ablation of the `usual` ones lacks and that the task can turn.

    `toggles` are what symptoms point to, `knobs` the task's keys with their values.
    """
    axes = (toggle.partition("=")[0] for toggle in toggles if can_try(toggle, knobs))
    return tuple(dict.fromkeys(axis for axis in axes if axis not in usual))


def to_verify(ranking: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the toggles of a ranking (summary.json) that look like repairs and are not decided, at most VERIFIED.

    None where something is decided to restore convergence, or where the base converges.
    """
    toggles = ranking["toggles"]
    if ranking["question"] != "restore" or any(toggle["status"] == "restores" for toggle in toggles):
        return []
    leading = [toggle for toggle in toggles if toggle["trials"] and toggle["converged"] * 2 > toggle["trials"]]
    return leading[:VERIFIED]


def is_fruitless(ranking: Mapping[str, Any]) -> bool:
    """Return whether a ranking has neither a repair nor anything that is worth verifying."""
    return ranking["question"] == "restore" and not ranking["recommended"]["overrides"] and not to_verify(ranking)


def axes_of(toggles: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the overrides that make axes of these toggles and of nothing else."""
    levels: dict[str, list[str]] = {}
    for toggle in toggles:
        levels.setdefault(toggle["axis"], []).append(f"{toggle['level']}: [{','.join(toggle['overrides'])}]")
    return tuple(f"+axes.{axis}={{levels: {{{', '.join(texts)}}}}}" for axis, texts in levels.items())


def _listed(seeds: Iterable[int]) -> str:
    return f"[{','.join(map(str, seeds))}]"


def stage_command(overrides: Sequence[str], config_dirs: Sequence[Path]) -> str:
    """Return the command that runs a stage alone."""
    return shlex.join([*PROGRAM, *folder_words(config_dirs), *recordable(overrides)])
