"""The verb `ls`: the studies of a store."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sweep.cli.output import by_word, print_json
from sweep.cli.printing import print_rich, print_whole
from sweep.cli.shared import as_it_stands, read_parser, stage_names
from sweep.config.stores import store_option
from sweep.domain.json_form import to_json, to_object
from sweep.domain.states import TrialState
from sweep.domain.trial import StudyRecord
from sweep.report.listing import answer_in, render_studies
from sweep.store import Store

NAMED = 8
"""Number of studies with verdicts by earlier rules that are listed by name."""


def ls(arguments: list[str]) -> int:
    """List studies, the latest first."""
    parser = read_parser("ls", has_study=False)
    args = parser.parse_args(arguments)
    with Store.open(args.store, read_only=True) as store:
        studies = store.studies()
        own = {study.name: store.counts(study.id) for study in studies}
        rows = [
            (as_it_stands(study), _with_stages(study, own), answer_in(store.summary(study.id))) for study in studies
        ]
        older = _outdated(store, studies)
    if args.json:
        return print_json(
            [
                {**to_object(study), "trials": to_json(counts), "outdated": older[study.name]}
                for study, counts, _ in rows
            ]
        )
    print_rich(render_studies([(study, by_word(counts), answer) for study, counts, answer in rows]))
    parts = {name for study in studies if older[study.name] for name in stage_names(study)}
    names = [name for name, count in older.items() if count and name not in parts]
    if names:
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        resume = f"`python -m sweep resume {'STUDY' if len(names) > 1 else names[0]}{store_option(args.store)}`"
        print_whole(f"verdicts by earlier rules: {', '.join(names[:NAMED])}{more}; {resume} judges them again")
    return 0


def _outdated(store: Store, studies: Sequence[StudyRecord]) -> dict[str, int]:
    """Return the number of verdicts by earlier rules of each study, including its stages, by study name."""
    own = {study.name: 0 if study.kind.is_check else store.count_outdated(study.id) for study in studies}
    return {
        study.name: own[study.name] + sum(own.get(name, 0) for name in stage_names(study) if name != study.name)
        for study in studies
    }


def _with_stages(study: StudyRecord, own: Mapping[str, Mapping[TrialState, int]]) -> Counter[TrialState]:
    """Return a study's trials per state, including its stages; `own` has the counts of single studies, by name."""
    counts: Counter[TrialState] = Counter()
    for name in (study.name, *stage_names(study)):
        counts.update(own.get(name, {}))
    return counts
