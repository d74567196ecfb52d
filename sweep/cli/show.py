"""The verb `show`: one trial."""

from collections.abc import Sequence
from dataclasses import replace

from sweep.cli.output import print_json
from sweep.cli.printing import print_rich
from sweep.cli.shared import add_trial, chosen_trial, read_parser, run_folder
from sweep.domain.json_form import json_number, to_json, to_object
from sweep.report.trial import render_trial
from sweep.store import Store


def show(arguments: list[str]) -> int:
    """Show one trial."""
    parser = read_parser("show", has_study=False)
    add_trial(parser)
    args = parser.parse_args(arguments)
    with Store.open(args.store, read_only=True) as store:
        study, trial = chosen_trial(store, args)
        home = run_folder(store, trial)
        folder, curves = str(home.path), store.points(trial.id)
        runs = [replace(run, dir=folder) for run in store.runs(trial.source_trial_id or trial.id)]
    program = (home.read_result() or {}).get("program") or {}
    if args.json:
        return print_json(
            {
                **to_object(trial),
                "runs": to_json(runs),
                **({"program": program} if program else {}),
                "metrics": {name: _plain(points) for name, points in curves.items()},
            }
        )
    return print_rich(render_trial(study, trial, runs, curves, study.target, program))


def _plain(points: Sequence[tuple[int, float]]) -> list[list[object]]:
    return [[step, json_number(value)] for step, value in points]
