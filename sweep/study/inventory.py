"""The inventory of a study's script: found in the store, or made by a first run; then the study is settled by it."""

import logging
import re
from contextlib import suppress
from dataclasses import replace

from sweep.config import LoadedConfig, StudyConfig
from sweep.config.parts import Asked, Choice, asked, load_part
from sweep.domain.axis import Cell
from sweep.domain.budget import Announced
from sweep.domain.inventory import InventoryReport
from sweep.domain.kinds import StudyKind
from sweep.domain.states import TrialState
from sweep.domain.task_ref import TaskKind, kind_of_section
from sweep.domain.trial import TrialRecord
from sweep.errors import ConfigError, NotFoundError, OldStoreError
from sweep.plan.compose import TrialComposer
from sweep.plan.settle import KnownProgram, settle
from sweep.report.commands import command_text, key_of, section_of
from sweep.rundir import RunDir, StudyDir, StudyLock
from sweep.store import Store
from sweep.study.places import check_ours
from sweep.study.progress import Progress
from sweep.study.resilient_progress import ResilientProgress

logger = logging.getLogger(__name__)

USUAL_SEEDS = range(10)
"""Seeds of which an inventory is looked for, after the study's first: a program has the same parts with every seed."""

_KEPT = frozenset({"task", "launcher", "store", "results", "watch"})
_LIMIT = "converge.inventory_s"
_SETTLED = frozenset({StudyKind.ABLATION, StudyKind.SEARCH, StudyKind.DIAGNOSIS, StudyKind.LR_RANGE})
"""The kinds of studies that are planned by an inventory. A range test has no more steps than the program."""

_EPOCH = re.compile(r"\bepochs?\b\W{0,4}(\d+)\s*(?:/|of)\s*(\d+)", re.IGNORECASE)
_TAIL_BYTES = 1 << 16


def needs_inventory(study: StudyConfig) -> bool:
    """Return whether a study is on a script and not settled by its inventory yet."""
    is_script = kind_of_section(study.task) is TaskKind.SCRIPT
    return is_script and not study.is_settled and study.kind in _SETTLED


def settled(loaded: LoadedConfig, *, progress: Progress) -> LoadedConfig:
    """Return a study settled by its script's inventory, which is made by a first run if none is stored.

    Any other study is returned as it is. Raises ConfigError if the study cannot be planned by what the run showed, and
    what `run_study` raises.
    """
    if not needs_inventory(loaded.study):
        return loaded
    known = known_program(loaded)
    if known is None or not known.is_completed:
        known = _made(loaded, progress) or known
    if known is None:
        raise ConfigError(
            "task.path",
            "the first run of the script left nothing to plan by",
            value=loaded.study.task.get("path"),
            hint=f"python -m sweep status {inventory_study(loaded).study.name}",
        )
    return settle(loaded, known)


def settled_on_record(loaded: LoadedConfig) -> tuple[LoadedConfig, str]:
    """Return a study settled by the inventory that its store has, and a note for the user if it has none.

    Nothing is run. Raises ConfigError if the study cannot be planned by the inventory.
    """
    if not needs_inventory(loaded.study):
        return loaded, ""
    known = known_program(loaded)
    if known is not None and known.is_completed:
        return settle(loaded, known), ""
    command = command_text(inventory_study(loaded).command)
    return loaded, (
        "what the script has and how long it is will be known after its first run, which this study makes first; "
        f"alone: {command}"
    )


def inventory_study(whole: LoadedConfig) -> LoadedConfig:
    """Return the study that makes the inventory of a study's script: with the study's first seed if that is one of
    USUAL_SEEDS, so that other studies find it (a night has other seeds), else with 0."""
    first = whole.study.seeds[0]
    choices = (Choice(group="check", option="inventory"),)
    words = [word for word in whole.overrides if section_of(word) in _KEPT or key_of(word) == _LIMIT]
    part = load_part(whole, words, name=None, choices=choices)
    part = asked(part, Asked(seeds=(first if first in USUAL_SEEDS else 0,)), words, choices)
    return replace(part, study=replace(part.study, results=whole.study.results))


def known_program(loaded: LoadedConfig) -> KnownProgram | None:
    """Return what the store's inventory of a study's script shows, one that did not fail first; None without one."""
    part = inventory_study(loaded)
    seeds = tuple(dict.fromkeys([*part.study.seeds, *USUAL_SEEDS]))
    specs = TrialComposer(part).compose(Cell(), seeds)
    with suppress(NotFoundError, OldStoreError), Store.open(part.study.store_url, read_only=True) as store:
        found = store.find_ended(spec.fingerprint for spec in specs)
        trials = [found[spec.fingerprint] for spec in specs if spec.fingerprint in found]
        trials.sort(key=lambda trial: trial.state is not TrialState.COMPLETED)
        known = (_read(store, trial) for trial in trials)
        return next((each for each in known if each is not None), None)
    return None


def _made(loaded: LoadedConfig, progress: Progress) -> KnownProgram | None:
    """Run the inventory of a study's script; return what it showed, None if it left nothing.

    Raises KeyboardInterrupt if the user interrupts it.
    """
    from sweep.study.session import run_study  # it imports much that `plan` does not need

    part = inventory_study(loaded)
    _requeue_failed(part)
    shown = ResilientProgress(progress)
    shown.message(f"first run of {loaded.study.task['path']}: what it has, and how long it is  ({part.study.name})")
    end = run_study(part, progress=shown)
    shown.close()
    logger.info("inventory: %s; %s", end.status, end.reported.document.answer)
    if end.status == "interrupted":
        raise KeyboardInterrupt
    return known_program(loaded)


def _requeue_failed(part: LoadedConfig) -> None:
    """Make a failed run of this inventory pending again: why it failed may be gone, a missing file for example."""
    [spec] = TrialComposer(part).compose(Cell(), part.study.seeds)
    with suppress(NotFoundError, OldStoreError):
        Store.open(part.study.store_url, read_only=True).close()
        with Store.open(part.study.store_url) as store:
            trial = store.find_ended([spec.fingerprint]).get(spec.fingerprint)
            if trial is None or trial.state is TrialState.COMPLETED:
                return
            study, _ = store.study_running(trial.id)
            with StudyLock(check_ours(study).lock, ""):
                store.transition(trial.id, TrialState.PENDING, "rerun")


def _read(store: Store, trial: TrialRecord) -> KnownProgram | None:
    """Return what a trial showed, None if its folder is gone or it left no findings."""
    from sweep.analysis.reported import reported_metrics  # it imports numpy
    from sweep.study.program import recorded_inventory  # so does this

    inventory = recorded_inventory(store, trial)
    if inventory is None:
        logger.info("no inventory of trial %d of study %d", trial.number, trial.study_id)
        return None
    study, number = store.study_running(trial.id)
    run = store.latest_run(trial.id)
    report = InventoryReport(
        inventory=inventory,
        metrics=reported_metrics(store.series(trial.id)),
        message=(run.message if run is not None else None) or "",
    )
    return KnownProgram(
        trial_id=trial.id,
        seed=trial.seed,
        is_completed=trial.state is TrialState.COMPLETED,
        report=report,
        announced=_announced(StudyDir.of(study).trial(number)),
    )


def _announced(folder: RunDir) -> Announced | None:
    """Return the last `epoch x/y` that a program printed, None if it printed none."""
    text = folder.log_tail(_TAIL_BYTES)
    found = [(int(epoch), int(epochs)) for epoch, epochs in _EPOCH.findall(text)]
    if len({epoch for epoch, _ in found}) < 2:  # printed once: perhaps at its beginning only
        return None
    epoch, epochs = found[-1]
    before = next(each for each, _ in reversed(found) if each != epoch)
    return Announced(epoch=epoch, epochs=epochs, stride=epoch - before)
