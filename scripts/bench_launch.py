"""Measures what a trial costs beside its training, for sweep and for other programs that run many trainings.

    python scripts/bench_launch.py [--trials 100] [--rounds 3] [--memory] [--only KEYS] [--sections NAMES] [--write]
    python scripts/bench_launch.py --quick --only subprocess,sweep-cold

Every candidate runs the same trials (an MLP in Paddle, 50 steps, one trial per seed) as a separate program, on two
cores and two slots; the candidates take turns over several rounds. "All in" is the program's whole wall time: imports,
start-up and, for sweep, store, judging, VisualDL logs and reports. "Steady" is the time from the end of one trial to
the end of the next, without start-up and reports. sweep's trials log five points each; the others report the last loss,
or nothing. Needs the extras `cpu` and `bench`; candidates that are not installed are listed as such.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from launching.candidates import BY_KEY, CANDIDATES, versions
from launching.measure import SLOTS
from launching.sections import Section, first_start, idle, launch, memory, no_op, short_trials
from machine import machine

TABLE = Path(__file__).parent.parent / "results" / "benchmarks" / "launch.md"
SECTIONS = ("launch", "noop", "second", "idle")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--noop", type=int, default=1000, metavar="N", help="trials that do nothing")
    parser.add_argument(
        "--memory", action="store_true", help="also measure the orchestrator's memory over 10,000 trials"
    )
    parser.add_argument("--only", type=names(BY_KEY), default=list(BY_KEY), metavar="KEYS", help=", ".join(BY_KEY))
    parser.add_argument(
        "--sections", type=names(SECTIONS), default=list(SECTIONS), metavar="NAMES", help=", ".join(SECTIONS)
    )
    parser.add_argument("--quick", action="store_true", help="a few trials of the first section, one round")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name} under results/benchmarks/")
    args = parser.parse_args()
    if args.quick:
        args.trials, args.rounds, args.sections = 4, 1, ["launch"]
    if args.trials <= SLOTS or args.noop <= 10 * SLOTS or args.rounds < 1:
        parser.error(f"more than {SLOTS} trials, more than {10 * SLOTS} that do nothing, and one round are needed")
    return args


def names(allowed: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a function that parses a comma-separated list of allowed names."""
    known = list(allowed)

    def name_list(text: str) -> list[str]:
        words = text.split(",")
        for word in words:
            if word not in known:
                raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(known)}")
        return words

    return name_list


def measure(args: argparse.Namespace) -> list[Section]:
    candidates = [candidate for candidate in CANDIDATES if candidate.key in args.only]
    found = []
    if "launch" in args.sections:
        found.append(launch(candidates, args.trials, args.rounds))
    if "noop" in args.sections:
        found.append(no_op(candidates, args.noop, args.rounds))
    if "second" in args.sections:
        found.append(short_trials(candidates, args.trials))
    if "idle" in args.sections:
        found.append(idle(first_start(candidates)))
    if args.memory:
        found.append(memory(first_start(candidates), 10_000))
    return found


def main() -> None:
    args = arguments()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:SLOTS])  # inherited by all candidates
    before = os.getloadavg()[0]
    sections = measure(args)
    targets = [target.row() for section in sections for target in section.targets]
    command = " ".join(["python scripts/bench_launch.py", *(word for word in sys.argv[1:] if word != "--write")])
    text = "\n".join(
        [
            "# Starting trials",
            "",
            f"`{command}` on {machine(SLOTS)}; {versions()}. Load average before: {before:.1f}, "
            f"after (its own load included): {os.getloadavg()[0]:.1f}.",
            "",
            f"Medians, with ranges, over {args.rounds} rounds in which the candidates took turns; ratios are taken "
            'within a round. "All in": the whole wall time of the program, for sweep with imports, store, judging, '
            "VisualDL logs and reports. \"Steady\": from one trial's end to the next one's, without start-up and end.",
            "",
            "| target | aim | measured | |",
            "|---|---|---|---|",
            *targets,
            "",
            *(section.text for section in sections),
        ]
    )
    print(text)
    if args.write:
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
