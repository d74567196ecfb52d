"""The verb `report`: ranks a study again and writes its reports."""

from sweep.cli.shared import chosen_study, read_parser
from sweep.config.stores import store_option
from sweep.domain.plural import count_text
from sweep.domain.trial import StudyRecord
from sweep.errors import StoreError
from sweep.rundir import StudyDir, read_plan, shown
from sweep.store import Store


def report(arguments: list[str]) -> int:
    """Rank a study again and rewrite its reports."""
    args = read_parser("report", has_json=False).parse_args(arguments)
    from sweep.report.files import FORMATS
    from sweep.study.places import check_ours
    from sweep.study.results import rewrite_reports  # imports SciPy and jinja2
    from sweep.study.walltime import WallTime

    with Store.open(args.store, read_only=True) as store:
        study = chosen_study(store, args.study, args.store)
        folder = check_ours(study)
        _refuse_emptying(store, study, folder, args.store)
        rewrite_reports(store, study, wall_s=WallTime(store, study).earlier_s(store))
    for path in (folder.path / name for name in reversed([*FORMATS])):
        if path.exists():
            print(shown(path))
    return 0


def _refuse_emptying(store: Store, study: StudyRecord, folder: StudyDir, url: str) -> None:
    """Raise StoreError if the report has trials and the store has none: nothing else is left of them.

    This happens if `gc` deleted the run folders and the store was rebuilt afterwards.
    """
    if study.kind.is_staged or store.trials(study.id, retired=True):
        return
    kept = read_plan(folder.path, folder.summary.name) or {}
    cost = kept.get("cost")
    trials = cost.get("trials") if isinstance(cost, dict) else None
    if trials:
        raise StoreError(
            f"the store has no trial of {study.name}, but its report has {count_text(trials, 'trial')}; the report is "
            f"not rewritten ({shown(folder.report_html)})",
            hint=f"`python -m sweep resume {study.name}{store_option(url)}` runs them again and replaces the report",
        )
