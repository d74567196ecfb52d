"""The verb `ls`: the studies of a store."""

from collections import Counter
from collections.abc import Mapping

from sweep.cli.output import plain, print_json
from sweep.cli.printing import print_rich
from sweep.cli.shared import as_it_stands, read_parser, stage_names
from sweep.domain.states import TrialState
from sweep.domain.trial import StudyRecord
from sweep.report.listing import render_studies
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
