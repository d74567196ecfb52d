"""The config of each stage of a study, made from the command and from what the stage is to vary.

A stage is a separate study: its name is `<study>.<stage>`, its command can be run alone, and its finished trials are
not run again. Its config is composed once, from the words of the command that concern it and from its own config files
(a check, an ablation with its axes); axes, seeds and design are then set as values.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sweep.config import LoadedConfig
from sweep.config.offered import can_try
from sweep.config.parts import AS_COMPOSED, Asked, Choice, asked, load_part
from sweep.config.stagesettings import is_setting, stage_word
from sweep.domain.axis import Axis, Level
from sweep.domain.effect import Effect, EffectStatus, Question, Ranking
from sweep.domain.stages import stage_study
from sweep.errors import ConfigError
from sweep.report.commands import command_text, key_of, section_of

BASE_SEEDS = 3
"""Number of seeds of the base stage: they confirm that the base fails, and how."""

DATA_AXES = ("dropout", "weight_decay", "augmentation", "batch_size", "shuffle")
"""Axes that act through the data or against memorizing it: they cannot be why ten samples cannot be overfitted."""

ALL_STAGES = ("data", "base", "overfit", "lr_range", "ablation", "verify")

VERIFIED = 3
"""Largest number of changes that are verified: with FRESH_SEEDS each and Holm's correction for three, 5 of 5 against 0
of 5 is still decided (p = .024)."""

FRESH_SEEDS = 5

FOUND_LEVEL = "range"
"""Name of the level of the axis lr with the rate that the learning-rate range test has found."""

_OF_THE_DIAGNOSIS = frozenset({"diagnose", "check", "study", "stages"})
_OF_THE_ABLATION = frozenset({"ablation", "axes", "axis", "driver", "params", "search"})
_FILES = {
    "data": (Choice(group="check", option="data"),),
    "overfit": (Choice(group="check", option="overfit"),),
    "lr_range": (Choice(group="search", option="lr_range"),),
}
_USUAL = Choice(group="ablation", option="all")


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


def shared_words(stage: str, overrides: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a command that apply to this stage, without those that belong to other stages.

    A setting of a check (`probe.KEY`) applies to the check that has the key.
    """
    dropped = _OF_THE_DIAGNOSIS if stage == "ablation" else _OF_THE_DIAGNOSIS | _OF_THE_ABLATION | {"seeds"}
    given = (stage_word(stage, word) if is_setting(key_of(word) or "") else word for word in overrides)
    return tuple(word for word in given if word is not None and section_of(word) not in dropped)


def stage_config(
    stage: str, whole: LoadedConfig, what: Asked = AS_COMPOSED, choices: Sequence[Choice] = ()
) -> LoadedConfig:
    """Return the study of a stage of `whole` that varies `what`, with the files of `choices`. Raises ConfigError."""
    words = shared_words(stage, whole.overrides)
    part = load_part(whole, words, name=stage_study(whole.study.name, stage), choices=choices)
    return asked(part, what, words, choices)


def fixed_stage(stage: str, whole: LoadedConfig) -> LoadedConfig:
    """Return the study of a stage whose config does not depend on what earlier stages have found. Raises ConfigError.

    These are the checks, the base over the first BASE_SEEDS seeds of the command, and an ablation
    whose axes the command names.
    """
    what = Asked(seeds=whole.study.seeds[:BASE_SEEDS]) if stage == "base" else AS_COMPOSED
    return stage_config(stage, whole, what, _FILES.get(stage, ()))


def verifying(whole: LoadedConfig, effects: Iterable[Effect]) -> LoadedConfig:
    """Return the study that repeats the toggles of these effects, each alone, on FRESH_SEEDS unused seeds."""
    first = max(whole.study.seeds) + 1
    seeds = tuple(range(first, first + FRESH_SEEDS))
    return stage_config("verify", whole, Asked(axes=axes_of(effects), design="one_at_a_time", seeds=seeds))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAblation:
    """What an ablation can vary if the command leaves that to the diagnosis.

    `usual` is `ablation=all` for this task, plus the axes `added` that symptoms and data point to. `axes` are those for
    which the task has the knobs. The axis lr has the learning rate that was found as its only level, because its usual
    levels set `task.lr_scale`, which a task with `task.lr` may lack.
    """

    usual: LoadedConfig
    added: tuple[str, ...] = ()
    axes: tuple[Axis, ...]

    @classmethod
    def of(cls, whole: LoadedConfig, pointed: Iterable[str] = (), rate: Sequence[str] = ()) -> "OpenAblation":
        """Return what can be varied: the usual axes, those of `pointed` toggles, and the `rate` found (overrides)."""
        usual = stage_config("ablation", whole, choices=[_USUAL])
        added = added_axes(pointed, dict(whole.study.task), tuple(usual.study.raw["axes"]))
        if added:
            usual = stage_config("ablation", whole, choices=[_USUAL, Choice(group="axis", option=added)])
        return cls(usual=usual, added=added, axes=_with_rate(usual, rate))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the axes."""
        return tuple(axis.name for axis in self.axes)

    def narrowed(self, whole: LoadedConfig, names: Collection[str]) -> LoadedConfig:
        """Return the ablation of the axes with these names."""
        chosen = tuple(axis for axis in self.axes if axis.name in names)
        words = shared_words("ablation", whole.overrides)
        choices = [_USUAL, *([Choice(group="axis", option=self.added)] if self.added else [])]
        return asked(self.usual, Asked(axes=chosen), words, choices)


def _with_rate(usual: LoadedConfig, rate: Sequence[str]) -> tuple[Axis, ...]:
    """Return the axes of an ablation, with the overrides `rate`, if any, as the only level of the axis lr."""
    if not rate:
        return usual.study.axes
    axes = {axis.name: axis for axis in usual.study.axes}
    axes["lr"] = Axis(name="lr", levels=(Level(name=FOUND_LEVEL, overrides=tuple(rate)),))
    order = [*usual.study.raw["axes"], "lr"]  # that of the config files: the axis keeps its place
    return tuple(axes[name] for name in dict.fromkeys(order) if name in axes)


def ablation_question(overrides: Iterable[str]) -> bool:
    """Return whether a command names what the ablation stage varies."""
    return any(section_of(word) in {"ablation", "axes", "axis", "params", "search"} for word in overrides)


def chosen_axes(available: Sequence[str], pointed: Sequence[str], *, learns: bool) -> tuple[str, ...]:
    """Return the axes for the ablation stage: those the symptoms point to, all if they point to none.

    If ten samples could not be overfitted (`learns` False), DATA_AXES are left out unless there are no other axes.
    """
    chosen = [axis for axis in available if axis in pointed] or list(available)
    able = [axis for axis in chosen if learns or axis not in DATA_AXES]
    able = able or [axis for axis in available if axis not in DATA_AXES]
    return tuple(able or chosen)


def added_axes(toggles: Iterable[str], knobs: Mapping[str, object], usual: Collection[str]) -> tuple[str, ...]:
    """Return the axes of these toggles that are not among the `usual` ones and for which the task has the knobs.

    `toggles` are those that symptoms point to, `knobs` the task's keys with their values.
    """
    axes = (toggle.partition("=")[0] for toggle in toggles if can_try(toggle, knobs))
    return tuple(dict.fromkeys(axis for axis in axes if axis not in usual))


def to_verify(ranking: Ranking) -> list[Effect]:
    """Return the effects of a ranking that look like repairs but are undecided, at most VERIFIED.

    Empty if some toggle is known to restore convergence, or if the base converges.
    """
    if ranking.question is not Question.RESTORE:
        return []
    if any(effect.status is EffectStatus.RESTORES for effect in ranking.effects):
        return []
    return [e for e in ranking.effects if e.sufficiency.converged * 2 > e.sufficiency.trials][:VERIFIED]


def is_fruitless(ranking: Ranking) -> bool:
    """Return whether a ranking has neither a repair nor an effect worth verifying."""
    return ranking.question is Question.RESTORE and not ranking.recommended and not to_verify(ranking)


def axes_of(effects: Iterable[Effect]) -> tuple[Axis, ...]:
    """Return the axes of the toggles with these effects, each with only the levels of these toggles."""
    levels: dict[str, list[Level]] = {}
    for effect in effects:
        toggle = effect.toggle
        levels.setdefault(toggle.axis, []).append(Level(name=toggle.level, overrides=effect.overrides))
    return tuple(Axis(name=axis, levels=tuple(found)) for axis, found in levels.items())


def stage_command(loaded: LoadedConfig) -> str:
    """Return the command that runs a stage alone."""
    return command_text(loaded.command)
