"""`baseline accept | show | diff`: the runs accepted as "this is how the task trains"."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Group, RenderableType
from rich.text import Text

from sweep.cli.main import Parser, verb_parser
from sweep.cli.output import print_json
from sweep.cli.printing import Printer, print_rich
from sweep.cli.shared import open_existing
from sweep.config.stores import results_of, store_option, store_word
from sweep.domain.json_form import KEY, to_json
from sweep.domain.nights import Baseline, Environment, NightRun
from sweep.domain.plural import count_text, share_text
from sweep.domain.regression import Suspect
from sweep.domain.rules import RULES_VERSION
from sweep.domain.suspects import suspects
from sweep.errors import NotFoundError, UsageError
from sweep.report.phrases import DASH
from sweep.report.tables import new_table
from sweep.rundir import StudyDir
from sweep.store import Regressions, Store
from sweep.store.regressionjson import baseline_data

USAGE = """%(prog)s accept STUDY | --last N | --again [--task TASK] [--regression NAME]
       %(prog)s show [--task TASK] [--regression NAME] [--json]
       %(prog)s diff [--task TASK] [--last N | --previous] [--regression NAME] [--json]"""

ACTIONS = ("accept", "show", "diff")


def baseline(arguments: list[str]) -> int:
    """Accept, show or compare baselines."""
    parser = verb_parser("baseline")
    parser.usage = USAGE
    parser.add_argument(
        "action", choices=ACTIONS, help="accept: record one; show: list them; diff: compare with nights"
    )
    parser.add_argument("study", nargs="?", help="accept: the study whose base runs to accept")
    parser.add_argument("--last", type=int, metavar="N", help="accept, diff: the last N nights (default of diff: 1)")
    parser.add_argument("--again", action="store_true", help="accept: the same runs, judged by the current rules")
    parser.add_argument("--previous", action="store_true", help="diff: compare with the previous baseline")
    parser.add_argument("--task", help="only this task (default: all; with a study: its task)")
    parser.add_argument("--regression", metavar="NAME", help="the regression (default: the one whose night began last)")
    parser.add_argument("--results", type=Path, metavar="DIR", help="results folder (default: that of the nights)")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    args = parser.parse_args(arguments)
    if args.last is not None and args.last < 1:
        raise UsageError(f"--last must be 1 or more, got {args.last}")
    if args.study and args.action != "accept":
        raise UsageError(f"baseline {args.action} takes no study", hint=f"--task {args.study} limits it to a task")
    actions = {"accept": _accept, "show": _show, "diff": _diff}
    return actions[args.action](args, parser)


def _accept(args: Namespace, parser: Parser) -> int:
    from sweep.study.regression.accepting import accept, offer_of_study, offers_again, offers_of_nights
    from sweep.study.regression.files import check_records_owner, save_baselines

    if bool(args.study) + (args.last is not None) + args.again != 1:
        parser.error("accept takes one of STUDY, --last N and --again")
    with open_existing(args.store) as store:
        kept = Regressions(store)
        regression = _chosen(kept, args)
        if args.study:
            offers = [offer_of_study(store, store.study(args.study), args.task)]
        elif args.again:
            offers = offers_again(store, regression, args.task)
        else:
            offers = offers_of_nights(store, regression, args.last, args.task)
        folder = StudyDir(args.results or _results(store, regression, args), regression)
        check_records_owner(kept, folder)
        accept(store, regression, offers)
        save_baselines(kept, regression, folder)
    accepted = [offer.baseline for offer in offers if offer.baseline is not None]
    if args.json:
        return print_json([baseline_data(each) for each in accepted])
    console = Printer()
    for offer in offers:
        words = offer.problem if offer.baseline is None else f"accepted: {_figures(offer.baseline.runs).words()}"
        console.print(Text(f"{offer.task}: {words}"), soft_wrap=True)
        for note in offer.notes:
            console.print(Text(f"  note: {note}"), soft_wrap=True)
    return 0


def _results(store: Store, regression: str, args: Namespace) -> Path:
    """Return a regression's results folder: its nights' folder, else the accepted study's."""
    from sweep.study.regression.files import regression_results

    found = regression_results(store, regression)
    if found is None and args.study:
        found = StudyDir.of(store.study(args.study)).results
    return found or Path(results_of(args.store))


def _show(args: Namespace, parser: Parser) -> int:  # noqa: ARG001 - all actions have this signature
    with Store.open(args.store, read_only=True) as store:
        regression, found = _found(Regressions(store), args)
    if args.json:
        return print_json([baseline_data(each) for each in found])
    table = new_table()
    for name in ("task", "conv.", "steps", "code"):
        table.add_column(name, justify="right" if name == "conv." else "left", no_wrap=True)
    for name, least in (("device", 6), ("accepted (UTC)", 10), ("from", 9)):  # a narrow terminal wraps them at spaces
        table.add_column(name, overflow="fold", min_width=least)
    for each in found:
        figures = _figures(each.runs)
        table.add_row(
            each.task,
            f"{figures.converged}/{figures.runs}",
            figures.steps_text,
            each.environment.git_sha[:8] + (" (changed)" if each.environment.dirty else ""),
            each.environment.device_class,
            f"{each.accepted_at:%Y-%m-%d %H:%M}",
            f"{count_text(len(each.studies), 'study', 'studies')} on {each.environment.host or 'an unknown host'}",
        )
    old = [Text(words) for each in found if (words := _rules_text(each))]
    return print_rich(Group(Text(f"baselines of {regression}"), table, *old))


def _rules_text(baseline: Baseline) -> str:
    """Return a note on a baseline judged by earlier rules; empty if it was judged by the current ones."""
    if baseline.rules_version == RULES_VERSION:
        return ""
    versions = f"judged by rules {baseline.rules_version}, now {RULES_VERSION}"
    return (
        f"note: the baseline of {baseline.task} was {versions}: nights are not compared with it; "
        "`baseline accept --again` accepts its runs under the current rules"
    )


def _diff(args: Namespace, parser: Parser) -> int:
    if args.previous and args.last is not None:
        parser.error("diff takes either --previous or --last N")
    with Store.open(args.store, read_only=True) as store:
        kept = Regressions(store)
        regression, found = _found(kept, args)
        pairs = [(each, _other(kept, regression, each, args)) for each in found]
    shown = [_difference(each, other) for each, other in pairs if other is not None]
    if not shown:
        what = "no earlier baseline" if args.previous else "no night"
        hint = (
            "without --previous it is compared with the last night"
            if args.previous
            else f"`python -m sweep +regression={regression}{store_word(args.store)}`"
        )
        raise NotFoundError(f"regression {regression} has {what} to compare with", hint=hint)
    if args.json:
        return print_json(to_json(shown))
    return print_rich(Group(*(_difference_text(each) for each in shown)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """What a baseline is compared with: the baseline it replaced (`is_before`), or the last nights."""

    name: str
    is_before: bool
    runs: tuple[NightRun, ...]
    environment: Environment
    rules_version: int


def _other(kept: Regressions, regression: str, current: Baseline, args: Namespace) -> Other | None:
    if args.previous:
        device = current.environment.device_class
        same = [
            each
            for each in kept.baselines(regression, current.task, superseded=True)
            if each.environment.device_class == device
        ]
        if len(same) < 2:
            return None
        before = same[-2]
        return Other(
            name=_name_of(before),
            is_before=True,
            runs=before.runs,
            environment=before.environment,
            rules_version=before.rules_version,
        )
    nights = [each.night for each in kept.task_nights(regression, current.task)][-(args.last or 1) :]
    if not nights:
        return None
    name = nights[-1].name if len(nights) == 1 else f"{nights[0].name} to {nights[-1].name}"
    runs = tuple(run for night in nights for run in night.runs)
    environment, rules_version = nights[-1].environment, min(night.rules_version for night in nights)
    return Other(name=name, is_before=False, runs=runs, environment=environment, rules_version=rules_version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A baseline compared with other runs; `differences` are changes from the earlier to the later."""

    task: str
    accepted_at: str
    other_name: str = field(metadata={KEY: "with"})
    words: str
    baseline: "Figures"
    other: "Figures"
    median_change_percent: float | None
    differences: tuple[Suspect, ...]


def _difference(current: Baseline, other: Other) -> Difference:
    """Compare a baseline with the one it replaced (the earlier of the two), or with nights (the later)."""
    mine = Other(
        name=_name_of(current),
        is_before=not other.is_before,
        runs=current.runs,
        environment=current.environment,
        rules_version=current.rules_version,
    )
    before, now = (other, mine) if other.is_before else (mine, other)
    old, new = _figures(before.runs), _figures(now.runs)
    change = round(100 * (new.median / old.median - 1), 1) if old.median and new.median else None
    size = "" if change is None else f", median steps {change:+.1f} %"
    return Difference(
        task=current.task,
        accepted_at=current.accepted_at.isoformat(),
        other_name=other.name,
        words=f"{now.name} against {before.name}{size}",
        baseline=_figures(mine.runs),
        other=_figures(other.runs),
        median_change_percent=change,
        differences=(*_rules_difference(before, now), *suspects(before.environment, now.environment)),
    )


def _rules_difference(before: Other, now: Other) -> tuple[Suspect, ...]:
    """Return a difference if different rules judged the runs: steps to target then cannot be compared."""
    old, new = str(before.rules_version), str(now.rules_version)
    if old == new:
        return ()
    words = f"judged by other rules: version {old}, now {new}; steps to target cannot be compared"
    return (Suspect(what="rules", name="rules", before=old, now=new, words=words),)


def _name_of(baseline: Baseline) -> str:
    return f"the baseline of {baseline.accepted_at:%Y-%m-%d %H:%M}"


def _difference_text(each: Difference) -> RenderableType:
    lines = [f"{each.task}: {each.words}"]
    for name, figures in (("baseline", each.baseline), (each.other_name, each.other)):
        steps = "no run converged" if figures.median is None else f"median {steps_text(figures.median)}"
        lines.append(f"  {name}: {share_text(figures.converged, figures.runs, 'run')} converged, {steps}")
    lines += [f"  {difference.words}" for difference in each.differences] or ["  nothing else differs"]
    return Text("\n".join(lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Figures of several runs: `median`, `low` and `high` are steps to target, None if no run converged."""

    runs: int
    converged: int
    median: float | None
    low: int | None
    high: int | None

    @property
    def steps_text(self) -> str:
        """Median and range of the steps, for a table."""
        return DASH if self.median is None else f"{self.median:g} ({self.low} to {self.high})"

    def words(self) -> str:
        """Return the figures as one line."""
        steps = "" if self.median is None else f", median {steps_text(self.median)} ({self.low} to {self.high})"
        return f"{count_text(self.runs, 'run')}, {self.converged} converged{steps}"


def _figures(runs: Sequence[NightRun]) -> Figures:
    evidence = [run for run in runs if run.is_evidence]
    taus = [run.tau for run in evidence if run.converged and run.tau is not None]
    return Figures(
        runs=len(evidence),
        converged=len(taus),
        median=median(taus) if taus else None,
        low=min(taus, default=None),
        high=max(taus, default=None),
    )


def steps_text(steps: float) -> str:
    """Return `1 step`, `210 steps`, `212.5 steps`."""
    return f"{steps:g} {'step' if steps == 1 else 'steps'}"


def _chosen(kept: Regressions, args: Namespace) -> str:
    """Return the regression to use: the given one, else the one with the latest night, else `nightly`."""
    return args.regression or next(iter(kept.names()), "nightly")


def _found(kept: Regressions, args: Namespace) -> tuple[str, list[Baseline]]:
    regression = _chosen(kept, args)
    found = kept.baselines(regression, args.task)
    if not found:
        what = f" of task {args.task}" if args.task else ""
        known = ", ".join(sorted({each.task for each in kept.baselines(regression)}))
        hint = (
            f"tasks with a baseline: {known}"
            if known
            else f"`python -m sweep baseline accept --last N{store_option(args.store)}` records one"
        )
        raise NotFoundError(f"regression {regression} has no baseline{what}", hint=hint)
    return regression, found
