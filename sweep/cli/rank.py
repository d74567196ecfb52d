"""The verb `rank`: what a study found."""

from sweep.cli.output import print_json
from sweep.cli.printing import print_rich, print_whole
from sweep.cli.shared import chosen_study, read_parser
from sweep.config.stores import store_option
from sweep.errors import NotFoundError
from sweep.report.documents import read_document
from sweep.report.phrases import outdated_text
from sweep.report.terminal import render_document
from sweep.store import Store


def rank(arguments: list[str]) -> int:
    """Show the ranking as last written; that of a running study is some seconds old."""
    parser = read_parser("rank")
    parser.add_argument("--all", action="store_true", help="show all toggles, not only the first 20")
    args = parser.parse_args(arguments)
    with Store.open(args.store, read_only=True) as store:
        study = chosen_study(store, args.study, args.store)
        summary, outdated = store.summary(study.id), store.count_outdated(study.id)
    if summary is None:
        raise NotFoundError(
            f"study {study.name} has no ranking yet",
            hint=f"`python -m sweep status {study.name}{store_option(args.store)}` shows its progress",
        )
    if args.json:
        return print_json(summary)
    option = store_option(args.store)
    document = read_document(summary)
    print_rich(render_document(document, shows_all=args.all, store=option))
    words = outdated_text(outdated, study.name, option)
    said = words.partition(";")[0]  # the command after it may name the store differently
    if outdated and not any(note.startswith(said) for note in document.notes):
        print_whole(f"note  {words}")
    return 0
