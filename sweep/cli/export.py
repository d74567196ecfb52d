"""The verb `export`: a study in other programs' formats."""

import csv
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from sweep.cli.shared import chosen_study, read_parser, with_trials
from sweep.domain.plural import count_text
from sweep.domain.printable import printable
from sweep.domain.roles import shown_metric
from sweep.domain.target import Target
from sweep.domain.trial import StudyRecord
from sweep.errors import UsageError
from sweep.report.headings import read_heading
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study.places import check_ours


def export(arguments: list[str]) -> int:
    """Write a study as csv, into an Optuna storage, or as VisualDL logs."""
    parser = read_parser("export", has_json=False)
    parser.add_argument("--to", type=Path, metavar="DIR", help="the folder to write to (default: the study's folder)")
    parser.add_argument("--optuna", metavar="URL", help="write an Optuna study to this storage: sqlite:///FILE")
    parser.add_argument("--force", action="store_true", help="with --optuna: replace a study of that name")
    parser.add_argument("--visualdl", action="store_true", help="write VisualDL logs of the whole study")
    args = parser.parse_args(arguments)
    if args.force and not args.optuna:
        raise UsageError("--force goes with --optuna")
    if args.to and args.optuna:
        raise UsageError("--to goes with csv and --visualdl; --optuna names its own file")
    with Store.open(args.store, read_only=True) as store:
        study = with_trials(store, chosen_study(store, args.study, args.store))
        folder = args.to or (StudyDir.of(study) if args.optuna else check_ours(study)).path
        if args.optuna:
            print(_to_optuna(store, study, args.optuna, replace=args.force))
        if args.visualdl:
            print(_to_visualdl(store, study, folder / "visualdl"))
        if not args.optuna and not args.visualdl:
            print(*_to_csv(store, study, folder), sep="\n")
    return 0


def _to_optuna(store: Store, study: StudyRecord, url: str, *, replace: bool) -> str:
    from sweep.config.overrides import dotted
    from sweep.plan.space import parse_space  # imports Hydra, which parses `params:`
    from sweep.report.optuna_mirror import MirroredTrial, write_mirror

    if "://" not in url:
        raise UsageError(f"--optuna {url!r} is not a storage URL", hint=f"for a file: sqlite:///{url}")
    target = study.target
    metric = _metric(store, study, target)
    curves = {n: series for n, _, series in store.study_series(study.id, [metric])} if metric else {}
    outcomes = {outcome.number: outcome for outcome in store.outcomes(study.id)}
    trials = [
        MirroredTrial(
            record=record,
            outcome=outcomes[record.number],
            run=store.latest_run(record.id),
            curve=curves.get(record.number),
        )
        for record in store.trials(study.id)
        if record.number in outcomes
    ]
    mirror = write_mirror(
        url,
        study,
        study.config.axes,
        parse_space(study.config.params),
        target,
        trials,
        base={f"task.{key}": value for key, value in dotted(study.config.task)},
        answer=read_heading(store.summary(study.id)).answer,
        replace=replace,
    )
    states = ", ".join(f"{count} {state}" for state, count in mirror.states.items())
    return f"{url}: study {mirror.name} ({states or 'no trials'})\nopen it with: optuna-dashboard {url}"


def _metric(store: Store, study: StudyRecord, target: Target) -> str | None:
    """Return the metric whose curves are exported: the target's, else the logged loss."""
    return target.metric or shown_metric(target, store.metric_names(study.id))


def _to_visualdl(store: Store, study: StudyRecord, folder: Path) -> str:
    from sweep.report.visualdl import can_write
    from sweep.report.visualdl_study import write_study

    if not can_write():
        raise UsageError("--visualdl needs VisualDL, which is not installed here", hint="pip install visualdl")
    target = study.target
    metric = _metric(store, study, target)
    records = store.trials(study.id)
    count = write_study(folder, records, study.config.axes, metric, lambda trial: store.series(trial.id))
    command = shlex.join(["visualdl", "--logdir", str(folder), "--language", "en"])
    return (
        f"{folder}: {count_text(count, 'trial')}\nopen it with: {command}, at http://localhost:8040/app/hyper-parameter"
    )


def _to_csv(store: Store, study: StudyRecord, folder: Path) -> tuple[Path, Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"the folder {folder} cannot be created: {exc.strerror}") from exc
    trials, points = folder / "trials.csv", folder / "points.csv"
    try:
        _write_csv(trials, TRIAL_COLUMNS, _trial_rows(store, study))
        _write_csv(points, ("trial", "metric", "step", "value"), _point_rows(store, study))
    except OSError as exc:
        raise UsageError(f"{exc.filename or folder} cannot be written: {exc.strerror}", hint="--to DIR") from exc
    return trials, points


TRIAL_COLUMNS = (
    "trial", "cell", "seed", "state", "verdict", "reason", "steps_to_target", "steps", "wall_s", "best", "final",
    "failure", "reused",
)  # fmt: skip


def _trial_rows(store: Store, study: StudyRecord) -> Iterable[Sequence[object]]:
    for o in store.outcomes(study.id):
        yield (
            o.number, o.cell.key, o.seed, o.state, o.verdict, o.reason, o.tau, o.steps, o.wall_s, o.best, o.final,
            o.failure, o.reused,
        )  # fmt: skip


def _point_rows(store: Store, study: StudyRecord) -> Iterable[Sequence[object]]:
    for number, metric, series in store.study_series(study.id, store.metric_names(study.id)):
        for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True):
            yield number, metric, step, value


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> object:
    """Return a value as a field of the table: control characters in a task's text are escaped."""
    return "" if value is None else printable(value) if isinstance(value, str) else value
