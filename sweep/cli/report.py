"""The verb `report`: ranks a study again and writes its reports."""

from sweep.cli.shared import chosen_study, read_parser
from sweep.rundir import shown
from sweep.store import Store


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
