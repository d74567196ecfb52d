"""The verb `compare`: two studies side by side."""

from sweep.cli.output import print_json
from sweep.cli.printing import print_rich
from sweep.cli.shared import read_parser
from sweep.domain.json_form import to_object
from sweep.errors import UsageError
from sweep.report.comparison import render_comparison
from sweep.store import Store


def compare(arguments: list[str]) -> int:
    """Compare two studies: what each cell did in both, and what differs in config and provenance."""
    parser = read_parser("compare", has_study=False)
    parser.add_argument("a", metavar="A", help="a study")
    parser.add_argument("b", metavar="B", help="the study to compare it with")
    args = parser.parse_args(arguments)
    if args.a == args.b:
        raise UsageError(f"compare {args.a} {args.b}: both are the same study", hint="name two studies")
    from sweep.analysis.compare_studies import Side, compare_studies  # imports SciPy

    sides = []
    with Store.open(args.store, read_only=True) as store:
        for name in (args.a, args.b):
            study = store.study(name)
            sides.append(
                Side(
                    name=study.name,
                    task=study.task,
                    target=study.target,
                    config=study.config,
                    provenance=study.provenance,
                    outcomes=tuple(store.outcomes(study.id)),
                    fingerprints={(trial.cell.key, trial.seed): trial.fingerprint for trial in store.trials(study.id)},
                )
            )
    found = compare_studies(sides[0], sides[1])
    if args.json:
        return print_json({**to_object(found), "comparable": not found.obstacles})
    return print_rich(render_comparison(found))
