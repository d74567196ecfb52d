"""Verbs that read the store. All but `report` answer without Hydra, SciPy, Optuna or jinja2."""

import sys
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sweep.cli.main import Parser
from sweep.cli.output import plain, print_json, print_rich, print_whole
from sweep.cli.shared import as_it_stands, chosen_study, read_parser, run_folder, stage_names, with_trials
from sweep.config.stores import store_option
from sweep.domain.metric import Series
from sweep.domain.states import TrialState
from sweep.domain.target import Target
from sweep.domain.trial import StudyRecord, TrialRecord
from sweep.errors import NotFoundError, UsageError
from sweep.report.listing import render_studies, render_trial
from sweep.report.phrases import outdated_text
from sweep.report.terminal import render_summary
from sweep.rundir import shown
from sweep.rundir.events import number_text
from sweep.rundir.logfile import log_lines
from sweep.store import Store


def ls(arguments: list[str]) -> int:
    """List studies, the latest first."""
    parser = read_parser("ls", has_study=False)
    args = parser.parse_args(arguments)
    with Store.open(args.store, read_only=True) as store:
        studies = store.studies()
        own = {study.name: store.counts(study.id) for study in studies}
        rows = [(as_it_stands(study), _with_stages(study, own), store.summary(study.id) or {}) for study in studies]
    if args.json:
        return print_json([{**plain(study), "trials": plain(counts)} for study, counts, _ in rows])
    return print_rich(
        render_studies([(study, plain(counts), str(summary.get("answer", ""))) for study, counts, summary in rows])
    )


def _with_stages(study: StudyRecord, own: Mapping[str, Mapping[TrialState, int]]) -> Counter[TrialState]:
    """Return a study's trials per state, those of its stages included; `own` are each study's own, by name."""
    counts: Counter[TrialState] = Counter()
    for name in (study.name, *stage_names(study)):
        counts.update(own.get(name, {}))
    return counts


def rank(arguments: list[str]) -> int:
    """Show the ranking as the study last wrote it; of a running study it is some seconds old."""
    parser = read_parser("rank")
    parser.add_argument("--all", action="store_true", help="every toggle, not only the first 20")
    args = parser.parse_args(arguments)
    with Store.open(args.store, read_only=True) as store:
        study = chosen_study(store, args.study, args.store)
        summary, outdated = store.summary(study.id), store.count_outdated(study.id)
    if summary is None:
        raise NotFoundError(
            f"study {study.name} has no ranking yet",
            hint=f"`python -m sweep status {study.name}{store_option(args.store)}` says how far it is",
        )
    if args.json:
        return print_json(summary)
    print_rich(render_summary(summary, shows_all=args.all))
    words = outdated_text(outdated, study.name)
    if outdated and words not in summary.get("notes", ()):
        print_whole(f"note  {words}")
    return 0


def show(arguments: list[str]) -> int:
    """Show one trial."""
    parser = read_parser("show", has_study=False)
    _add_trial(parser)
    args = parser.parse_args(arguments)
    with Store.open(args.store, read_only=True) as store:
        study, trial = _trial(store, args)
        folder, curves = str(run_folder(store, trial).path), store.series(trial.id)
        runs = [replace(run, dir=folder) for run in store.runs(trial.source_trial_id or trial.id)]
    if args.json:
        return print_json(
            {**plain(trial), "runs": plain(runs), "metrics": {name: _points(s) for name, s in curves.items()}}
        )
    return print_rich(render_trial(study, trial, runs, curves, Target.from_mapping(study.config["converge"])))


def logs(arguments: list[str]) -> int:
    """Print what a trial's processes printed."""
    parser = read_parser("logs", has_study=False, has_json=False)
    _add_trial(parser)
    parser.add_argument("--tail", type=int, metavar="N", help="only the last N lines")
    args = parser.parse_args(arguments)
    if args.tail is not None and args.tail < 1:
        raise UsageError(f"--tail must be 1 or more, got {args.tail}", hint="without it, the whole log is printed")
    with Store.open(args.store, read_only=True) as store:
        study, trial = _trial(store, args)
        run = store.latest_run(trial.id)
        log = run_folder(store, trial).log
    if run is None:
        raise NotFoundError(
            f"trial {trial.number} has not been launched",
            hint=f"`python -m sweep status {study.name}{store_option(args.store)}` says how far it is",
        )
    if not log.exists():
        raise NotFoundError(f"trial {trial.number} left no log: there is no {log}")
    sys.stdout.writelines(log_lines(log, args.tail))
    return 0


def report(arguments: list[str]) -> int:
    """Rank a study anew and write its reports."""
    args = read_parser("report", has_json=False).parse_args(arguments)
    from sweep.study.places import check_ours
    from sweep.study.results import leave_reports  # SciPy and jinja2 come with it
    from sweep.study.walltime import WallTime

    with Store.open(args.store, read_only=True) as store:
        study = chosen_study(store, args.study, args.store)
        folder = check_ours(study)
        leave_reports(store, study, wall_s=WallTime(store, study).earlier_s(store))
    for path in (folder.report_html, folder.report_md, folder.ranking_csv, folder.summary):
        if path.exists():
            print(shown(path))
    return 0


def _add_trial(parser: Parser) -> None:
    parser.add_argument("trial", type=_number, help="the trial's number in its study")
    parser.add_argument("--study", help="the study (default: the latest)")


def _number(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ArgumentTypeError(f"{word!r} is not the number of a trial: they count from 0 in each study") from None


def _trial(store: Store, args: Any) -> tuple[StudyRecord, TrialRecord]:
    if args.trial < 0:
        raise UsageError(f"trial numbers start at 0, got {args.trial}")
    study = with_trials(store, chosen_study(store, args.study, args.store))
    return study, store.trial(study.id, args.trial)


def _points(series: Series) -> list[list[object]]:
    return [[step, number_text(v)] for step, v in zip(series.steps.tolist(), series.values.tolist(), strict=True)]
