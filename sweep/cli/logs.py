"""The verb `logs`: what a trial printed."""

import sys

from sweep.cli.shared import add_trial, chosen_trial, read_parser, run_folder
from sweep.config.stores import store_option
from sweep.errors import NotFoundError, UsageError
from sweep.rundir.logfile import log_lines
from sweep.store import Store


def logs(arguments: list[str]) -> int:
    """Print what a trial's processes printed."""
    parser = read_parser("logs", has_study=False, has_json=False)
    add_trial(parser)
    parser.add_argument("--tail", type=int, metavar="N", help="only the last N lines")
    args = parser.parse_args(arguments)
    if args.tail is not None and args.tail < 1:
        raise UsageError(f"--tail must be 1 or more, got {args.tail}", hint="without it, the whole log is printed")
    with Store.open(args.store, read_only=True) as store:
        study, trial = chosen_trial(store, args)
        run = store.latest_run(trial.id)
        log = run_folder(store, trial).log
    if run is None:
        raise NotFoundError(
            f"trial {trial.number} has not been launched",
            hint=f"`python -m sweep status {study.name}{store_option(args.store)}` shows its progress",
        )
    if not log.exists():
        raise NotFoundError(f"trial {trial.number} left no log: {log} does not exist")
    sys.stdout.writelines(log_lines(log, args.tail))
    return 0
