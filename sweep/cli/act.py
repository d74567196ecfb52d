"""Verbs that act on a study or its store: resume, rerun, stop, rebuild."""

import logging
from argparse import Namespace
from pathlib import Path

from sweep.cli.main import verb_parser
from sweep.cli.options import add_log_level
from sweep.cli.shared import open_existing
from sweep.config.stores import (
    absolute_store,
    default_store,
    is_same_store,
    is_store_word,
    results_of,
    store_option,
    verbs_store,
)
from sweep.domain.plural import count_text
from sweep.domain.states import LEGAL_TRANSITIONS, TrialState
from sweep.domain.trial import StudyRecord
from sweep.errors import ConfigError, UsageError
from sweep.report.commands import key_of
from sweep.rundir import FILE, StudyDir, StudyLock
from sweep.store import Store
from sweep.study.decisions import logging_to, set_log_level
from sweep.study.places import check_ours

logger = logging.getLogger(__name__)

AGAIN = {str(state): state for state in TrialState if TrialState.PENDING in LEGAL_TRANSITIONS[state]}
"""States that `rerun` can requeue. Completed trials are never repeated."""


def resume(arguments: list[str]) -> int:
    """Run a study's command again: finished trials are reused, the others run."""
    parser = verb_parser("resume")
    parser.add_argument("study", nargs="?", help="the study (default: the latest)")
    add_log_level(parser)
    args = parser.parse_args(arguments)
    with open_existing(args.store) as store:
        record = store.latest_study() if args.study is None else store.study(args.study)
    return _run_again(record, args.store, args.log_level)


def rerun(arguments: list[str]) -> int:
    """Requeue trials of the given states, then resume."""
    parser = verb_parser("rerun")
    parser.add_argument("study", help="the study")
    parser.add_argument("--state", default="failed,lost", help=f"comma-separated, of: {', '.join(AGAIN)}")
    add_log_level(parser)
    args = parser.parse_args(arguments)
    states = {_state(word.strip()) for word in args.state.split(",")}
    with open_existing(args.store) as store:
        record = store.study(args.study)
        with StudyLock(check_ours(record).lock, store_option(args.store)), store.transaction():
            trials = store.trials(record.id, states)
            for trial in trials:
                store.transition(trial.id, TrialState.PENDING, "rerun")
            set_log_level(args.log_level)
            with logging_to(StudyDir.of(record)):
                numbers = ", ".join(str(trial.number) for trial in trials)
                logger.info("rerun: %d trials requeued: %s", len(trials), numbers or "none")
    print(f"{count_text(len(trials), 'trial')} of {record.name} requeued")
    return _run_again(record, args.store, args.log_level)


def stop(arguments: list[str]) -> int:
    """Ask a study's orchestrator to drain, or to stop at once."""
    parser = verb_parser("stop")
    parser.add_argument("study", nargs="?", help="the study (default: the latest)")
    parser.add_argument("--now", action="store_true", help="also stop running trials (default: let them finish)")
    args = parser.parse_args(arguments)
    with Store.open(args.store, read_only=True) as store:
        record = store.latest_study() if args.study is None else store.study(args.study)
    holder = StudyLock(StudyDir.of(record).lock, store_option(args.store)).ask_to_end(now=args.now)
    if holder is None:
        raise UsageError(
            f"study {record.name} is not running here",
            hint=f"`python -m sweep ls{store_option(args.store)}` lists the studies",
        )
    when = "now" if args.now else "once its running trials have finished"
    print(f"study {record.name}: asked its process (pid {holder.pid}) to stop {when}")
    return 0


def rebuild(arguments: list[str]) -> int:
    """Rebuild the store from the run folders; the old one is renamed, never overwritten."""
    parser = verb_parser("rebuild")
    parser.add_argument(
        "--results",
        action="append",
        type=Path,
        metavar="DIR",
        help="a results folder (default: the folder of the store's sweep.db, else results); repeatable",
    )
    parser.set_defaults(store=None)
    args = parser.parse_args(arguments)
    from sweep.study.rebuild import rebuild_store  # imports SciPy, for the ranking

    store, results = _what_to_rebuild(args)
    moved = rebuild_store(store, results, print, takes_over=bool(args.results))
    if moved is not None:
        print(f"the old store is kept as {moved}")
    print("Store rebuilt. Re-run a study's command to resume it.")
    return 0


def _what_to_rebuild(args: Namespace) -> tuple[str, list[Path]]:
    """Return the store and the results folders; `DIR` and `DIR/sweep.db` imply each other."""
    given: list[Path] = args.results or []
    if args.store is not None or not given:
        store = args.store or verbs_store()
        return store, given or [Path(results_of(store))]
    if len(given) > 1:
        folders = " and ".join(map(str, given))
        raise UsageError(f"which store should hold the studies of {folders}?", hint="--store URL names it")
    return default_store(str(given[0])), given


def _run_again(record: StudyRecord, store_url: str, log_level: str) -> int:
    from sweep.cli.run import study  # imports Hydra, which only composing needs

    folder = str(record.provenance.get("folder", ""))
    if folder and Path(folder) != Path.cwd() and not _is_moved_here(record, store_url):
        raise UsageError(
            f"study {record.name} was started in {folder}; its task and config are read from there",
            hint=f"cd {folder} first",
        )
    return study([*command_in(record, store_url), "--log-level", log_level])


def _is_moved_here(record: StudyRecord, store_url: str) -> bool:
    """Return whether the current folder is a moved or copied project that has the store in the same place."""
    recorded = record.config.store_url
    is_relative = absolute_store(recorded) != recorded and recorded.startswith(FILE)
    return is_relative and is_same_store(recorded, store_url)


def command_in(record: StudyRecord, store_url: str) -> list[str]:
    """Return the command that resumes a study, with the store in which it was found.

    `store.url` is added only if the command would use another store without it.
    """
    folder = StudyDir.of(record)
    command = [word for word in record.command if not is_store_word(word) and not _is_elsewhere(word, folder)]
    recorded = record.config.store_url or store_url
    typed = [word.partition("=")[2] for word in command if key_of(word) == "results"]
    default = default_store(*typed[-1:])
    if not (is_same_store(store_url, default) and is_same_store(recorded, default)):
        command.append(f"store.url={store_url}")
    if not any(word.startswith("study=") for word in command):
        command.append(f"study={record.name}")
    return command


def _is_elsewhere(word: str, folder: StudyDir) -> bool:
    """Return whether an argument of a command names a results folder other than the study's current one."""
    if key_of(word) != "results" or not folder.path.is_dir():
        return False
    return Path(word.partition("=")[2].strip("'\"")).resolve() != folder.results


def _state(word: str) -> TrialState:
    if word not in AGAIN:
        raise ConfigError("--state", "trials in this state cannot be requeued", value=word, allowed=AGAIN)
    return AGAIN[word]
