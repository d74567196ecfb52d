"""What the reading verbs share: their parser, the chosen study, and whether an orchestrator runs it."""

from argparse import ArgumentTypeError, Namespace
from contextlib import suppress
from dataclasses import replace

from sweep.cli.main import Parser, verb_parser
from sweep.config.stores import store_option
from sweep.domain.stages import confirm_study, stage_study
from sweep.domain.trial import StudyRecord, TrialRecord
from sweep.errors import NotFoundError, OldStoreError, UsageError
from sweep.rundir import RunDir, StudyDir, StudyLock
from sweep.store import Store


def read_parser(name: str, *, has_study: bool = True, has_json: bool = True) -> Parser:
    """Return the parser of a reading verb."""
    parser = verb_parser(name)
    if has_study:
        parser.add_argument("study", nargs="?", help="the study (default: the latest)")
    if has_json:
        parser.add_argument("--json", action="store_true", help="machine-readable output")
    return parser


def open_existing(url: str) -> Store:
    """Return a store opened for a verb that changes it: one of an earlier version is upgraded, and none is created.

    Raises NotFoundError.
    """
    with suppress(OldStoreError):
        Store.open(url, read_only=True).close()
    return Store.open(url)


def chosen_study(store: Store, name: str | None, url: str) -> StudyRecord:
    """Return the study of this name, the latest if none is given, of the store at this URL. Raises NotFoundError."""
    if name and store.find_study(name) is None and _is_regression(store, name):
        raise NotFoundError(
            f"{name} is a nightly regression, not a study",
            hint=f"its report is {name}/report.html in its results folder; each task of each night is a study: "
            f"`python -m sweep ls{store_option(url)}` lists them",
        )
    return store.latest_study() if name is None else store.study(name)


def _is_regression(store: Store, name: str) -> bool:
    from sweep.store.regressions import Regressions  # only to explain a name that is not found

    return name in Regressions(store).names()


def stage_names(study: StudyRecord) -> list[str]:
    """Return the names of a study's stages, and of studies that confirm a learning-rate range.

    Empty if the study is a single one.
    """
    stages = [stage_study(study.name, stage) for stage in study.stages]
    confirmed = [study.name] if study.is_confirmed else []
    return [*(name for stage in stages for name in (stage, confirm_study(stage))), *map(confirm_study, confirmed)]


def with_trials(store: Store, study: StudyRecord) -> StudyRecord:
    """Return the study if it has trials. Raises NotFoundError for one that consists of stages, with their names."""
    begun = [name for name in stage_names(study) if store.find_study(name) is not None]
    if study.kind.is_staged:
        raise NotFoundError(
            f"{study.name} consists of stages, which have the trials\n  stages: {', '.join(begun) or 'none yet'}",
            hint="name a stage",
        )
    return study


def run_folder(store: Store, trial: TrialRecord) -> RunDir:
    """Return the folder of a trial's latest run; for a reused result, that of the trial that was run."""
    study, number = store.study_running(trial.id)
    return StudyDir.of(study).trial(number)


def lock_of(study: StudyRecord) -> StudyLock | None:
    """Return the lock that a study's orchestrator holds, None if the study's folder is not on this machine."""
    path = StudyDir.of(study).lock
    return StudyLock(path) if path.exists() else None


def as_it_stands(study: StudyRecord) -> StudyRecord:
    """Return the study with its actual status: `interrupted` if it is recorded as running but has no orchestrator.

    Its orchestrator was killed. Without the study's folder this is not known, and the recorded status stays.
    """
    lock = lock_of(study)
    if study.status == "running" and lock is not None and lock.holder() is None:
        return replace(study, status="interrupted")
    return study


def add_trial(parser: Parser) -> None:
    """Add the arguments that name a trial to a verb's parser."""
    parser.add_argument("trial", type=_number, help="the trial's number in its study")
    parser.add_argument("--study", help="the study (default: the latest)")


def _number(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ArgumentTypeError(f"{word!r} is not a trial number; each study numbers its trials from 0") from None


def chosen_trial(store: Store, args: Namespace) -> tuple[StudyRecord, TrialRecord]:
    """Return the chosen trial and its study. Raises NotFoundError, UsageError."""
    if args.trial < 0:
        raise UsageError(f"trial numbers start at 0, got {args.trial}")
    study = with_trials(store, chosen_study(store, args.study, args.store))
    return study, store.trial(study.id, args.trial)
