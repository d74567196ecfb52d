"""The sections of the benchmark: each measures, and returns its table and its targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from launching.candidates import BY_KEY, Candidate, module
from launching.measure import SLOTS, FailedError, Measured, run
from launching.rounds import Rounds, in_turn, ratios, spread

STARTS = ("sweep-warm", "sweep-standby", "sweep-cold")
WARM = STARTS[0]
MEMORY_GROWTH = 0.05


@dataclass(frozen=True, slots=True)
class Target:
    """A target and what was measured; `is_met` is None if nothing was measured."""

    what: str
    aim: str
    figure: str
    is_met: bool | None

    def row(self) -> str:
        """Return it as a row of a table."""
        word = "not measured" if self.is_met is None else "met" if self.is_met else "not met"
        return f"| {self.what} | {self.aim} | {self.figure} | {word} |"


@dataclass(frozen=True, slots=True)
class Section:
    """A table in Markdown and the targets that its figures decide."""

    text: str
    targets: tuple[Target, ...]


def target(what: str, values: Sequence[float], aim: str, limit: float, form: str) -> Target:
    """Return a target that is met if the median of the values is `<=` or `>=` (`aim`) the limit."""
    is_met = None
    if values:
        is_met = median(values) <= limit if aim == "<=" else median(values) >= limit
    return Target(what, f"{aim} {form.format(limit)}", spread(values, form), is_met)


def wall_ms(one: Measured) -> float:
    return one.wall_s * 1e3


def steady_ms(one: Measured) -> float:
    return one.steady_s * 1e3


def share_of_ideal(one: Measured) -> float:
    """Return the seconds of training over the seconds that the slots were available."""
    trained = sum(mark.end_s - mark.begin_s for mark in one.marks)
    return trained / SLOTS / (one.wall_s * len(one.marks))


def steady_share(one: Measured) -> float:
    """Return the same, from the end of the first trials to the end of the last."""
    rest = one.marks[SLOTS:]
    return sum(mark.end_s - mark.begin_s for mark in rest) / SLOTS / (one.steady_s * len(rest))


def orchestrator_cpu_ms(one: Measured) -> float:
    """CPU time of the orchestrator (ms), without its children, per trial, over the last 90 % of the trials."""
    first, last = one.between(0.1, 1.0)
    return (last.cpu_s - first.cpu_s) / max(1, last.trials - first.trials) * 1e3


def launch(candidates: Sequence[Candidate], trials: int, rounds: int) -> Section:
    """Trials of 50 steps, all candidates."""
    found = in_turn(candidates, trials=trials, kind="train", rounds=rounds)
    base = next((found[key] for key in STARTS if key in found and found[key].runs), None)
    lines = [
        f"## {trials} trials of 50 steps on two slots",
        "",
        "| | between trials | wall per trial, all in, ms | steady, ms "
        f"| times {base.candidate.name if base else 'sweep'}, all in | steady |",
        "|---|---|---|---|---|---|",
    ]
    for each in found.values():
        lines.append(f"| {each.candidate.name} | {each.candidate.isolation} | {_cells(each, base)} |")
    lines += ["", _losses(list(found.values())), ""]

    def against(key: str, other: str) -> list[float]:
        return ratios(found[key], found[other], wall_ms) if key in found and other in found else []

    targets = (
        target("warm: the subprocess pool takes longer by a factor of", against("subprocess", WARM), ">=", 8, "{:.1f}"),
        target("warm: Ray Tune takes longer by a factor of", against("ray", WARM), ">=", 8, "{:.1f}"),
        target("warm: times Hydra's in-process joblib", against(WARM, "hydra-joblib"), "<=", 1.5, "{:.2f}"),
    )
    return Section("\n".join(lines), targets)


def _cells(each: Rounds, base: Rounds | None) -> str:
    if not each.runs:
        return f"{each.reason} | | | "
    cells = [spread(each.each(wall_ms)), spread(each.each(steady_ms))]
    for figure in (wall_ms, steady_ms):
        cells.append("" if base is None else spread(ratios(each, base, figure), "{:.2f}"))
    return " | ".join(cells)


def _losses(found: list[Rounds]) -> str:
    ran = [(each.candidate.name, one.losses) for each in found for one in each.runs]
    if not ran:
        return ""
    other = sorted({name for name, losses in ran if losses != ran[0][1]})
    if other:
        return f"The last losses differ from those of {ran[0][0]} in: {', '.join(other)}."
    return "The last loss of each seed is the same, bit for bit, in all rows and rounds."


def no_op(candidates: Sequence[Candidate], trials: int, rounds: int) -> Section:
    """Trials that do nothing, beside forks that do nothing."""
    starts = [candidate for candidate in candidates if candidate.key in STARTS]
    floors = [_forks(1), _forks(SLOTS)]
    counts = {candidate.key: trials for candidate in [*starts, *floors]}
    counts |= {key: max(20, trials // 20) for key in STARTS[1:]}
    found = in_turn([*starts, *floors], trials=counts, kind="noop", rounds=rounds)
    floor = found[floors[-1].key]
    lines = [
        "## Trials that do nothing, on two slots",
        "",
        "| | trials | wall per trial, all in, ms | steady, ms | times the last row, steady "
        "| orchestrator's CPU per trial, ms |",
        "|---|---|---|---|---|---|",
    ]
    for key, each in found.items():
        cells = [spread(each.each(figure)) for figure in (wall_ms, steady_ms)]
        cells.append(spread(ratios(each, floor, steady_ms), "{:.2f}"))
        cells.append(spread(each.each(orchestrator_cpu_ms)) if key in STARTS else "")
        shown = " | ".join(cells) if each.runs else f"{each.reason} | | | "
        lines.append(f"| {each.candidate.name} | {counts[key]:,} | {shown} |")
    walls = found[WARM].each(wall_ms) if WARM in found else []
    cpus = found[starts[0].key].each(orchestrator_cpu_ms) if starts else []
    targets = (
        target("warm: wall per trial that does nothing, all in", walls, "<=", 20, "{:.1f} ms"),
        target("orchestrator's CPU per trial", cpus, "<=", 3, "{:.1f} ms"),
    )
    return Section("\n".join([*lines, ""]), targets)


def _forks(slots: int) -> Candidate:
    name = f"bare fork and exit of a process that has imported paddle, {slots} at a time"
    return Candidate(key=f"forks-{slots}", name=name, isolation="", command=module("fork_pool", str(slots)))


def short_trials(candidates: Sequence[Candidate], trials: int) -> Section:
    """Trials that train for one second."""
    starts = [candidate for candidate in candidates if candidate.key in STARTS]
    found = in_turn(starts, trials=trials, kind="second", rounds=1) if starts else {}
    lines = [
        f"## {trials} trials that train for 1 s, on two slots",
        "",
        "| | training time / slots / wall, all in | steady |",
        "|---|---|---|",
    ]
    for each in found.values():
        figures = (spread(each.each(figure), "{:.1%}") for figure in (share_of_ideal, steady_share))
        lines.append(f"| {each.candidate.name} | {' | '.join(figures) if each.runs else each.reason} |")
    runs = found[WARM].runs if WARM in found else []
    shares = [share_of_ideal(one) for one in runs]
    one = target("warm: trials of 1 s, share of the ideal, all in", shares, ">=", 0.93, "{:.1%}")
    return Section("\n".join([*lines, ""]), (one,))


def memory(start: Candidate, trials: int) -> Section:
    """The orchestrator's memory over many trials."""
    head = [f"## Orchestrator's memory over {trials:,} trials that do nothing ({start.name})", ""]
    what = "orchestrator's memory: growth from a tenth of the trials to the last"
    try:
        one = run(start.command(trials, "noop"), trials=trials, limit_s=3600)
    except FailedError as error:
        return Section("\n".join([*head, str(error), ""]), (target(what, [], "<=", MEMORY_GROWTH, "{:+.1%}"),))
    shares = (0.1, 0.5, 1.0)
    seen = [next(s for s in one.samples if s.trials >= share * 0.999 * trials) for share in shares]
    rows = ["| trials ended | resident, MB |", "|---|---|", *(f"| {s.trials:,} | {s.rss / 1e6:.0f} |" for s in seen)]
    peak = max(sample.rss for sample in one.samples)
    growth = [seen[-1].rss / seen[0].rss - 1]
    return Section(
        "\n".join([*head, *rows, "", f"Peak, reports included: {peak / 1e6:.0f} MB.", ""]),
        (target(what, growth, "<=", MEMORY_GROWTH, "{:+.1%}"),),
    )


def idle(start: Candidate) -> Section:
    """The orchestrator's CPU while its two trials sleep."""
    head = [f"## Orchestrator while two trials sleep for 20 s ({start.name})", ""]
    rows, targets = ["| output | share of a core |", "|---|---|"], []
    for place, in_terminal in (("a file", False), ("a terminal", True)):
        what = f"idle orchestrator, output to {place}: share of a core"
        try:
            one = run(start.command(SLOTS, "sleep"), trials=SLOTS, limit_s=120, in_terminal=in_terminal)
        except FailedError as error:
            rows.append(f"| {place} | {error} |")
            targets.append(target(what, [], "<=", 0.02, "{:.2%}"))
            continue
        begin_s, end_s = one.marks[-1].begin_s + 1, one.marks[0].end_s - 1
        asleep = [sample for sample in one.samples if begin_s <= sample.at_s <= end_s]
        share = (asleep[-1].cpu_s - asleep[0].cpu_s) / (asleep[-1].at_s - asleep[0].at_s)
        rows.append(f"| {place} | {share:.2%} |")
        targets.append(target(what, [share], "<=", 0.02, "{:.2%}"))
    return Section("\n".join([*head, *rows, ""]), tuple(targets))


def first_start(candidates: Sequence[Candidate]) -> Candidate:
    """Return the start mode with which the orchestrator is measured: warm if it takes part."""
    return next((candidate for candidate in candidates if candidate.key in STARTS), BY_KEY[WARM])
