"""The verb `status`: the progress of a study, shown once or until it ends."""

from sweep.cli.output import print_json
from sweep.cli.printing import print_rich, print_whole
from sweep.cli.shared import read_parser
from sweep.cli.study_state import read_study_state
from sweep.cli.watching import Watch, view_of
from sweep.errors import UsageError
from sweep.store import Store

INTERVAL_S = 2.0


def status(arguments: list[str]) -> int:
    """Show the progress of a study; with --watch, follow it until it ends."""
    parser = read_parser("status")
    parser.add_argument("--watch", action="store_true", help="follow the study until it ends")
    parser.add_argument(
        "--interval", type=float, metavar="S", help=f"with --watch: check every S seconds (default: {INTERVAL_S:g})"
    )
    args = parser.parse_args(arguments)
    if args.interval is not None and not args.watch:
        raise UsageError("--interval goes with --watch")
    interval_s = INTERVAL_S if args.interval is None else args.interval
    if not 0.1 <= interval_s <= 3600:
        raise UsageError(f"--interval must be from 0.1 to 3600 seconds, got {interval_s:g}")
    if args.watch:
        try:
            return Watch(args.store, args.study, interval_s, view_of(is_json=args.json)).run()
        except KeyboardInterrupt:  # nothing to report: the study continues
            return 130
    with Store.open(args.store, read_only=True) as store:
        seen = read_study_state(store, args.study, args.store)
    if args.json:
        return print_json(seen.to_dict())
    print_rich(seen.rendered())
    if seen.study.status == "interrupted":
        print()
        print_whole(seen.how_it_ended())
    return 0
