"""From a composed config to a validated study."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from omegaconf import DictConfig, Node, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sweep.config import WATCHES, DriverConfig, LauncherConfig, LoadedConfig, StudyConfig
from sweep.config.axes import ReadAxes, read_axes
from sweep.config.checks import CHECKS, read_confirm
from sweep.config.composing import Composition, compose_study
from sweep.config.folders import check_free, option_names, own_keys
from sweep.config.keys import KEYS
from sweep.config.knobs import TaskBase, same_type
from sweep.config.overrides import dotted, key_of_word
from sweep.config.params import read_params
from sweep.config.program_keys import check_program, in_one_form, program_notes
from sweep.config.resolving import resolve
from sweep.config.secrets import recordable, without_password
from sweep.config.source import TaskSource, find_task
from sweep.config.stores import RESULTS, results_of
from sweep.config.values import LONGEST_S, MOST_MB, Section, whole
from sweep.domain.budget import Budget
from sweep.domain.check import Check, CheckName
from sweep.domain.knobs import STANDARD_KNOBS, without_none
from sweep.domain.metric_names import is_loss
from sweep.domain.recorded_config import Home
from sweep.domain.target import OPEN_STEPS, Mode, Target
from sweep.domain.task_ref import NAMELESS, TaskKind, TaskRef, kind_of_section
from sweep.errors import ConfigError, NothingToVaryError

LAUNCHER_KEYS = ("name", "timeout_s", "retries", "memory_mb")
"""The keys under `launcher` that every launcher has; the others are its own settings."""
BUDGET_KEYS = ("budget_steps", "budget_epochs", "budget_s")
TARGET_KEYS = ("metric", "mode", "target", "hold", *BUDGET_KEYS, "inventory_s", "stop_early", "loss", "smooth")

INVENTORY_TARGET = Target(
    metric=None, mode=Mode.MIN, threshold=None, hold=None, budget_steps=OPEN_STEPS, stop_early=False
)
"""The target of an inventory, whatever the study's: it is not trained to one, and every study can use it."""

MAX_SEEDS = 10_000
MAX_SEED = 2**62
"""The largest seed: the fresh seeds that confirm a finding follow it, and databases store 63 bits."""

_STUDY_NAME = re.compile(r"[A-Za-z0-9][\w.+=-]{0,99}", re.ASCII)


def load(
    overrides: Sequence[str],
    config_dirs: Sequence[Path],
    *,
    command: tuple[str, ...],
    source: TaskSource | None = None,
    may_vary_nothing: bool = False,
) -> LoadedConfig:
    """Return the validated study for these overrides (see `load_study_config`).

    With `may_vary_nothing`, an ablation may have no axis that the task has a knob for. Raises ConfigError.
    """
    composed = compose_study(overrides, config_dirs)
    in_one_form(composed.config)
    _resolve_none(composed)
    raw = resolve(composed, {"converge": TARGET_KEYS})
    root = Section(raw, "", KEYS)
    base = TaskBase(composed.config)
    ref = TaskRef.of(base.section)
    check_program(ref, base.section)
    source = source or find_task(ref)
    task_name = (ref.title if composed.task in NAMELESS else None) or composed.task
    _check_task_types(base, composed.before)
    axes = read_axes(root.get("axes"), base, skipped=_skipped(root, composed), named=composed.chosen_axes)
    params = read_params(root.get("params"), base)
    driver = _driver(root.get("driver"), composed)
    store_url = Section(root.get("store"), "store", ("url",)).text("url")
    raw["store"] = {"url": without_password(store_url)}  # for records and display
    raw["results"] = results = _results(root, overrides, store_url)
    check = _check(root.get("probe"), composed, base)
    budget = _budget(root.get("converge"), ref.kind, check)
    is_inventory = check is not None and check.name is CheckName.INVENTORY
    _check_not_empty(None if may_vary_nothing else composed.ablation, axes)
    study = StudyConfig(
        name=_study_name(root, composed, task_name, axes),
        task_name=task_name,
        ablation=composed.ablation,
        task=base.section,
        axes=axes.axes,
        params=params,
        driver=driver,
        seeds=_seeds(root.get("seeds")),
        target=INVENTORY_TARGET if is_inventory else _target(root.get("converge"), budget),
        launcher=_launcher(root.get("launcher"), composed),
        store_url=store_url,
        results=results,
        inert=axes.inert,
        raw=raw,
        check=check,
        budget=budget,
        confirm=read_confirm(root.get("confirm")),
        stages=_stages(root.get("stages")),
        regression=root.get("regression"),
        watch=root.choice("watch", WATCHES),
        symptoms=_symptoms(root.get("symptoms")),
        reuse=root.flag("reuse"),
        is_named=root.get("study") is not None,
        home=None if ref.kind is TaskKind.FUNCTION else Home(str(source.root), source.digest),
    )
    return LoadedConfig(
        study=study,
        base=base,
        source=source,
        command=recordable(command),
        overrides=tuple(overrides),
        config_dirs=tuple(config_dirs),
        notes=(*composed.notes, *program_notes(ref, source)),
    )


def _resolve_none(composed: Composition) -> None:
    """Set the standard knobs with the value `none` on the command line to null, in place (domain/knobs.py).

    Scripts and commands keep the word: for them null is "as the program has it".
    """
    task = composed.config.get("task")
    if not isinstance(task, DictConfig) or kind_of_section(task.keys()) not in (None, TaskKind.FUNCTION):
        return
    before = composed.before.get("task")
    for name in STANDARD_KNOBS & set(composed.config.task):
        value = composed.config.task._get_node(name)
        own = before._get_node(name) if isinstance(before, DictConfig) and name in before else None
        if without_none(name, _plain(value), base=_plain(own)) is None and _plain(value) is not None:
            OmegaConf.update(composed.config, f"task.{name}", None)


def _plain(node: object) -> object:
    """Return a config node's value, an interpolation as its text."""
    return node._value() if isinstance(node, Node) else node


def _check_task_types(base: TaskBase, before: DictConfig) -> None:
    """Raise ConfigError if the command line gives a task key another type than the task's config."""
    try:
        plain = OmegaConf.to_container(before.task, resolve=True)
    except OmegaConfBaseException:
        return  # an interpolation that needs values of the command line
    for name, value in dotted(plain):
        if name in base.knobs:
            same_type(f"task.{name}", f"{base.knobs[name]}", value, base.knobs[name])
        elif any(knob.startswith(f"{name}.") for knob in base.knobs):
            raise ConfigError(f"task.{name}", "is one value in the task's config, not a section", value=value)


def _skipped(root: Section, composed: Composition) -> frozenset[str]:
    """Return the axes whose inapplicable levels are left out: those of an ablation that says so."""
    if root.get("ablation") is None:
        return frozenset()
    ablation = Section(root.get("ablation"), "ablation", ("skip", "design"))
    if ablation.data.get("skip") is None or ablation.choice("skip", ["inapplicable"]) != "inapplicable":
        return frozenset()
    return frozenset(str(name) for name in root.get("axes") or {}) - composed.axes


def _results(root: Section, overrides: Sequence[str], store_url: str) -> str:
    """Return the results folder: if none is given, the one whose `sweep.db` is the store."""
    named = root.text("results")
    is_named = named != RESULTS or any(key_of_word(word) == "results" for word in overrides)
    return named if is_named else results_of(store_url)


def _driver(data: object, composed: Composition) -> DriverConfig:
    """Return the driver, with its own keys as written: the driver reads their values."""
    own = _own_section("driver", data, composed)
    return DriverConfig(
        name=str(own.data["name"]), settings={key: value for key, value in own.data.items() if key != "name"}
    )


def _own_section(group: str, data: object, composed: Composition) -> Section:
    """Return a section without the keys that a file has for another `name` in its group.

    Raises ConfigError for an unknown name, and for a key that the named one does not have.
    """
    names = option_names(group, composed.folders)
    section = Section(data, group, data if isinstance(data, Mapping) else ())
    name = section.choice("name", names)
    known = own_keys(group, name) or section.known
    others = {key for other in names for key in own_keys(group, other)} - set(known)
    return Section({key: value for key, value in section.data.items() if key not in others}, group, known)


def _check_not_empty(ablation: str | None, axes: ReadAxes) -> None:
    """Raise NothingToVaryError if an ablation of this name has no axis left for this task."""
    if ablation is not None and not axes.axes:
        left_out = "; ".join(f"{each.toggle}: {each.text}" for each in axes.inert)
        raise NothingToVaryError(
            "axes",
            "the plan is empty: the ablation has no axis for this task",
            value=left_out or ablation,
            hint="without +ablation=..., the base alone runs over its seeds",
        )


def _study_name(root: Section, composed: Composition, task_name: str, axes: ReadAxes) -> str:
    """Return the study's name: the given one, or one made from task and ablation, search or axes."""
    given = root.get("study")
    if given is None:
        if composed.regression is not None:
            return composed.regression.replace("/", "-")  # several tasks, none of which names it
        check = composed.check and f"check-{composed.check}"
        diagnose = composed.diagnose and f"diagnose-{composed.diagnose}".removesuffix("-full")
        parts = [part for part in (diagnose, check, composed.ablation, composed.search) if part]
        what = "-".join(parts or [axis.name for axis in axes.axes][:4] or ["base"])
        return f"{task_name}-{what}".replace("/", "-")
    if isinstance(given, float | bool):  # in a file: on the command line a name is text as typed
        hint = f"quote it: study: '{given}'"
        raise ConfigError("study", "must be text; YAML reads this as another kind of value", value=given, hint=hint)
    is_name = isinstance(given, str | int) and _STUDY_NAME.fullmatch(str(given))
    if not is_name or str(given).endswith(".db"):  # results/sweep.db is the store
        raise ConfigError(
            "study",
            "is not safe as a folder's name",
            value=given,
            hint="at most 100 letters, digits and . _ + - =, starting with a letter or digit, not ending in .db",
        )
    check_free(str(given))
    return str(given)


def _seeds(value: object) -> tuple[int, ...]:
    """Return the seeds: 0 to N-1 for a number N, or those of a list. Raises ConfigError."""
    hint = "a number of seeds (5), or a list of different seeds, 0 or more ([0,1,2])"
    count = whole(value)
    if count is not None:
        if count < 1:
            raise ConfigError("seeds", "the plan is empty: at least one seed is needed", value=value, hint=hint)
        if count > MAX_SEEDS:
            raise ConfigError("seeds", f"at most {MAX_SEEDS}", value=value, hint=hint)
        return tuple(range(count))
    if not isinstance(value, list):
        shown = "null" if value is None else value
        raise ConfigError("seeds", "must be a whole number or a list of them", value=shown, hint=hint)
    if not value:
        raise ConfigError("seeds", "the plan is empty: at least one seed is needed", value=value, hint=hint)
    seeds = tuple(number for number in map(whole, value) if number is not None and number >= 0)
    if len(seeds) < len(value):
        raise ConfigError("seeds", "each must be a whole number, 0 or more", value=value, hint=hint)
    if max(seeds) > MAX_SEED:
        raise ConfigError("seeds", f"each at most {MAX_SEED}", value=value, hint=hint)
    if len(seeds) > MAX_SEEDS:
        raise ConfigError("seeds", f"at most {MAX_SEEDS} of them", value=len(seeds), hint=hint)
    if len(set(seeds)) != len(seeds):
        raise ConfigError("seeds", "a seed occurs twice", value=value, hint=hint)
    return seeds


def _check(data: object, composed: Composition, base: TaskBase) -> Check | None:
    if data is None:
        return None
    known = [str(key) for key in composed.before.probe] if composed.before.probe else ["name"]
    section = Section(data, "probe", known)
    name = CheckName(section.choice("name", list(CheckName)))
    CHECKS[name](section)
    if name is CheckName.INVENTORY:
        _check_script(base)
    settings = {key: value for key, value in section.data.items() if key != "name"}
    if name is CheckName.OVERFIT:  # knobs that trials set: their values are converted here as when composing a trial
        knobs = settings["regularisation"]
        settings["regularisation"] = {knob: base.given(knob, value) for knob, value in knobs.items()}
    return Check(name=name, settings=settings)


def _check_script(base: TaskBase) -> None:
    """Raise ConfigError if an inventory is asked of a task that is not a script."""
    ref = TaskRef.of(base.section)
    if ref.kind is not TaskKind.SCRIPT:
        raise ConfigError(
            f"task.{ref.key}",
            "an inventory shows what sweep can change in a script; this task defines its knobs in its config",
            value=ref.name,
            allowed=[f"task.{knob}" for knob in base.knobs],
            hint="python -m sweep inventory train.py",
        )


def _stages(data: object) -> tuple[str, ...]:
    if not isinstance(data, list) or not all(isinstance(stage, str) for stage in data):
        raise ConfigError("stages", "must be a list of stages", value=data, hint="[] for a single study")
    return tuple(data)


def _symptoms(data: object) -> dict[str, float]:
    """Return the thresholds of the symptom rules, each a finite number."""
    section = Section(data, "symptoms", own_keys("symptoms", "default"))
    return {name: section.number(name) for name in section.known}


def _budget(data: object, kind: TaskKind, check: Check | None) -> Budget:
    """Return the budget as given. Raises ConfigError for several, or for one that this kind of task cannot have."""
    section = Section(data, "converge", TARGET_KEYS)
    section.number("inventory_s", above=0, high=LONGEST_S)
    if kind is not TaskKind.SCRIPT:
        for key in ("budget_epochs", "budget_s"):
            if section.get(key) is not None:
                hint = "converge.budget_steps=300 is in optimizer steps"
                raise ConfigError(section.key(key), "only a script has it", value=section.get(key), hint=hint)
        return Budget(steps=section.integer("budget_steps", low=1))
    if check is not None and section.get("budget_steps") is not None:
        return Budget(steps=section.integer("budget_steps", low=1))  # its own; another is that of trials that follow it
    given = [key for key in BUDGET_KEYS if section.get(key) is not None]
    if len(given) > 1:
        raise ConfigError(
            section.key(given[1]),
            f"{section.key(given[0])} is given as well: a trial has one budget",
            value=section.get(given[1]),
            hint=f"{section.key(given[0])}=null removes the other",
        )
    return Budget(
        steps=section.optional_integer("budget_steps", low=1),
        epochs=section.optional_number("budget_epochs", above=0),
        seconds=section.optional_number("budget_s", above=0, high=LONGEST_S),
    )


def _target(data: object, budget: Budget) -> Target:
    section = Section(data, "converge", TARGET_KEYS)
    metric = section.optional_text("metric")
    loss = section.optional_text("loss")
    threshold = section.optional_number("target")
    if metric is None and threshold is not None:
        raise ConfigError("converge.metric", "a target needs its metric", value="null", hint="converge.metric=val/acc")
    if section.get("mode") is None:
        mode = Mode.MIN if metric in (None, loss) or is_loss(str(metric)) else Mode.MAX
    else:
        mode = Mode(section.choice("mode", list(Mode)))
    hold = section.optional_integer("hold", low=1)
    budget_steps = OPEN_STEPS if budget.steps is None else budget.steps
    check_hold(hold, budget_steps)
    return Target(
        metric=metric,
        mode=mode,
        threshold=threshold,
        hold=hold,
        budget_steps=budget_steps,
        stop_early=section.flag("stop_early"),
        loss=loss,
        smooth=section.optional_number("smooth", low=0),
    )


def check_hold(hold: int | None, budget_steps: int) -> None:
    """Raise ConfigError if the budget has fewer steps than the target must be held for."""
    if hold is not None and hold > budget_steps:
        raise ConfigError(
            "converge.hold",
            f"cannot be held within the budget: at most converge.budget_steps evaluations, {budget_steps}",
            value=hold,
            hint="converge.hold=3",
        )


def _launcher(data: object, composed: Composition) -> LauncherConfig:
    """Return the launcher, with its own keys as written: the launcher reads their values."""
    own = _own_section("launcher", data, composed)
    return LauncherConfig(
        name=str(own.data["name"]),
        timeout_s=own.optional_number("timeout_s", above=0, high=LONGEST_S),
        retries=own.integer("retries", low=0),
        memory_mb=own.optional_integer("memory_mb", low=1, high=MOST_MB),
        settings={key: value for key, value in own.data.items() if key not in LAUNCHER_KEYS},
    )
