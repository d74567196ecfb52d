"""A study that belongs to another one (a stage, a confirmation): its config as a value, and the command that runs it.

Hydra composes such a study once, from arguments of the other's command and config files of ours. Its further changes
(axes, seeds, a design) are values put into the config. Its command is derived from these values, only here, for users
to paste; sweep never reads it back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sweep.config.folders import folder_words
from sweep.config.schema import DriverConfig, LoadedConfig, StudyConfig
from sweep.config.secrets import recordable
from sweep.domain.axis import Axis
from sweep.domain.inert import InertToggle


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Config files that a part adds: `+check=data`, `+axis=[shuffle,amp]` (a list if there are several options)."""

    group: str
    option: str | tuple[str, ...]

    @property
    def word(self) -> str:
        """The override that chooses them."""
        option = self.option if isinstance(self.option, str) else f"[{','.join(self.option)}]"
        return f"+{self.group}={option}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a part changes beyond its arguments and files; None changes nothing."""

    axes: tuple[Axis, ...] | None = None
    seeds: tuple[int, ...] | None = None
    design: str | None = None


AS_COMPOSED = Asked()
"""No further changes."""


def load_part(
    whole: LoadedConfig, words: Sequence[str], *, name: str | None, choices: Sequence[Choice] = ()
) -> LoadedConfig:
    """Return the study of this name, made of these arguments of the whole's command and these added files.

    Without a name it gets an automatic one. It uses the same version of the task's code. An added ablation may have no
    axis that the task has a knob for. Raises ConfigError.
    """
    from sweep.config.study import load

    named = () if name is None else (f"study={name}",)
    overrides = (*words, *(choice.word for choice in choices), *named)
    may_vary_nothing = any(choice.group == "ablation" for choice in choices)
    loaded = load(overrides, whole.config_dirs, command=(), source=whole.source, may_vary_nothing=may_vary_nothing)
    return _commanded(loaded, overrides)


def asked(part: LoadedConfig, what: Asked, words: Sequence[str], choices: Sequence[Choice] = ()) -> LoadedConfig:
    """Return a part with these changes, with the command that runs it alone.

    `words` and `choices` are those that it was composed of.
    """
    before, study, raw = part.study, part.study, dict(part.study.raw)
    if what.axes is not None:
        raw["axes"] = _raw(what.axes)
        study = replace(study, axes=what.axes, inert=_inert(before, what.axes))
    if what.seeds is not None:
        raw["seeds"] = list(what.seeds)
        study = replace(study, seeds=what.seeds)
    if what.design is not None:
        raw["driver"] = {**raw["driver"], "design": what.design}
        driver = DriverConfig(name=study.driver.name, settings={**study.driver.settings, "design": what.design})
        study = replace(study, driver=driver)
    study = replace(study, raw=raw)
    named = (f"study={study.name}",) if study.is_named else ()
    return _commanded(replace(part, study=study), (*words, *_words(before, what, choices), *named))


def _commanded(loaded: LoadedConfig, overrides: Sequence[str]) -> LoadedConfig:
    command = recordable((*folder_words(loaded.config_dirs), *overrides))
    return replace(loaded, overrides=tuple(overrides), command=command)


def _inert(before: StudyConfig, axes: Sequence[Axis]) -> tuple[InertToggle, ...]:
    """Return the remaining toggles without effect, after an axis was removed or got other levels."""
    kept = {axis.name for axis in before.axes if axis in axes}
    changed = {axis.name for axis in (*before.axes, *axes)} - kept
    return tuple(each for each in before.inert if each.toggle.axis not in changed)


def _raw(axes: Sequence[Axis]) -> dict[str, object]:
    return {axis.name: {"levels": {level.name: list(level.overrides) for level in axis.levels}} for axis in axes}


def _words(before: StudyConfig, what: Asked, choices: Sequence[Choice]) -> Iterator[str]:
    """Yield the arguments that make these changes to a study composed with these choices (`before`)."""
    files = [choice.word for choice in choices]
    yield from files[:1]
    known = {axis.name: axis for axis in before.axes}
    axes = before.axes if what.axes is None else what.axes
    for axis in axes:
        if axis != known.get(axis.name):
            yield from _axis_words(axis, list(before.raw["axes"].get(axis.name, {}).get("levels", ())))
    yield from files[1:]
    kept = {axis.name for axis in axes}
    yield from (f"~axes.{name}" for name in known if name not in kept)
    if what.design is not None:
        yield f"driver.design={what.design}"
    if what.seeds is not None:
        yield f"seeds={_listed(what.seeds)}"


def _axis_words(axis: Axis, had: Sequence[str]) -> Iterator[str]:
    """Yield the arguments that give an axis these levels; `had` are its levels in the files."""
    levels = ", ".join(f"{level.name}: {_listed(level.overrides)}" for level in axis.levels)
    if not had:
        yield f"+axes.{axis.name}={{levels: {{{levels}}}}}"
        return
    yield f"axes.{axis.name}.levels={{{levels}}}"
    names = {level.name for level in axis.levels}
    yield from (f"~axes.{axis.name}.levels.{level}" for level in had if level not in names)


def _listed(items: Sequence[object]) -> str:
    return f"[{','.join(map(str, items))}]"
