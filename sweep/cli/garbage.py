"""The verb `gc`: deletes expired studies, run folders and curves."""

from dataclasses import asdict

from sweep.cli.main import verb_parser
from sweep.cli.output import print_json
from sweep.cli.shared import open_existing
from sweep.errors import UsageError
from sweep.store import Store

KEEP_NIGHTS = 30


def gc(arguments: list[str]) -> int:
    """Delete what has expired; never the runs behind a baseline, nor anything of a running study."""
    parser = verb_parser("gc")
    parser.add_argument(
        "--keep-nights",
        type=int,
        default=KEEP_NIGHTS,
        metavar="N",
        help="delete the studies of all nights but the last N (default: %(default)s); the findings of a night are kept",
    )
    parser.add_argument(
        "--keep-days",
        type=float,
        metavar="D",
        help="delete run folders and curves of other studies that ended D days ago or more; verdicts and reports are "
        "kept (default: none are deleted)",
    )
    parser.add_argument("--regression", metavar="NAME", help="only nights of this regression (default: all)")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be deleted")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    args = parser.parse_args(arguments)
    if args.keep_nights < 1:
        raise UsageError(f"--keep-nights must be 1 or more, got {args.keep_nights}")
    if args.keep_days is not None and args.keep_days < 0:
        raise UsageError(f"--keep-days must be 0 or more, got {args.keep_days:g}")
    from sweep.study.garbage import Rule, collect_garbage

    rule = Rule(keep_nights=args.keep_nights, keep_days=args.keep_days, regression=args.regression)
    with open_existing(args.store) as store:
        freed = collect_garbage(store, rule, file=Store.file_of(args.store), is_dry=args.dry_run)
    if args.json:
        return print_json({"dry_run": args.dry_run, **asdict(freed)})
    for name in freed.studies:
        print(f"{name}: study of an old night, {freed.folders[name]}")
    for name in freed.thinned:
        print(f"{name}: run folders and curves, {freed.folders[name]}")
    for name, reason in freed.kept:
        print(f"{name}: kept, {reason}")
    print(f"would have {freed.words()}" if args.dry_run else freed.words())
    return 0
