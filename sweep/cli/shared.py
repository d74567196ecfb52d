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
            f"`python -m sweep ls{store_option(url)}`",
        )
    return store.latest_study() if name is None else store.study(name)


def _is_regression(store: Store, name: str) -> bool:
    from sweep.store.regressions import Regressions  # only to explain a name that is not found

    return name in Regressions(store).names()


def stage_names(study: StudyRecord) -> list[str]:
    """Return the names of a study's stages, and of the study that confirms a learning-rate range.

    Empty if the study has no others.
    """
    stages = [stage_study(study.name, stage) for stage in study.stages]
    confirmed = [study.name] if study.is_confirmed else []
    return [*(name for stage in stages for name in (stage, confirm_study(stage))), *map(confirm_study, confirmed)]


def with_trials(store: Store, study: StudyRecord) -> StudyRecord:
    """Return a study that has trials of its own. Raises NotFoundError for one made of stages, and names those."""
    begun = [name for name in stage_names(study) if store.find_study(name) is not None]
    if study.kind.is_staged:
        raise NotFoundError(
            f"{study.name} is made of stages, and has no trials of its own\n  stages: {', '.join(begun) or 'none yet'}",
            hint="name one of them",
        )
    return study


def run_folder(store: Store, trial: TrialRecord) -> RunDir:
    """Return the folder of a trial's latest run, that of the trial whose run it reuses if it does."""
    study, number = store.study_running(trial.id)
    return StudyDir.of(study).trial(number)


def lock_of(study: StudyRecord) -> StudyLock | None:
    """Return the lock that a study's orchestrator holds, None if its folder is not found from here."""
    path = StudyDir.of(study).lock
    return StudyLock(path) if path.exists() else None


def as_it_stands(study: StudyRecord) -> StudyRecord:
    """Return a study that is recorded as running, but has no orchestrator any more, as `interrupted`.

    Its orchestrator was killed. If the folder is not found from here, this cannot be known.
    """
    lock = lock_of(study)
    if study.status == "running" and lock is not None and lock.holder() is None:
        return replace(study, status="interrupted")
    return study


def add_trial(parser: Parser) -> None:
    """Add the words that name a trial to a verb's parser."""
    parser.add_argument("trial", type=_number, help="the trial's number in its study")
    parser.add_argument("--study", help="the study (default: the latest)")


def _number(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ArgumentTypeError(f"{word!r} is not the number of a trial: they count from 0 in each study") from None


def chosen_trial(store: Store, args: Namespace) -> tuple[StudyRecord, TrialRecord]:
    """Return the chosen trial and its study. Raises NotFoundError, UsageError."""
    if args.trial < 0:
        raise UsageError(f"trial numbers start at 0, got {args.trial}")
    study = with_trials(store, chosen_study(store, args.study, args.store))
    return study, store.trial(study.id, args.trial)
