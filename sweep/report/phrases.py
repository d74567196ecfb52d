"""Figures and statuses as text: one wording for the terminal, the HTML page and the Markdown file."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sweep.domain.axis import short_value
from sweep.domain.effect_status import NOT_RUN_YET, EffectStatus, Question, together
from sweep.domain.failure import ending_text, shown_failure
from sweep.domain.inert import InertReason
from sweep.domain.plural import count_text, figure_text, share_text
from sweep.domain.printable import printable
from sweep.domain.rules import RULES_VERSION
from sweep.domain.target import HOLD_EVALUATIONS
from sweep.domain.trial import RunRecord

if TYPE_CHECKING:
    from sweep.report.documents import PointDocument, RankingDocument, TargetDocument, ToggleDocument
    from sweep.report.headings import CostDocument


DASH = "–"
"""Shown in place of a missing figure."""

NO_EFFECT_HERE = "no effect possible here"
"""Label of the toggles that change nothing in this task and cost no trial."""

SHOWN_TOGGLES = 20
"""Number of toggles that a ranking shows in a terminal and in report.md; `rank --all` and ranking.csv have the rest."""


def outdated_text(count: int, study: str, store: str = "") -> str:
    """Return a note that some verdicts of a study are by earlier rules, and the command that updates them.

    `store` is what a verb needs to find the study (` --store URL`).
    """
    again = f"`python -m sweep resume {study}{store}` judges them again"
    return f"{count_text(count, 'verdict')} by earlier rules (the current rules have version {RULES_VERSION}); {again}"


def status_word(status: str, question: str, trials: int, *, makes_diverge: bool = False, is_open: bool = False) -> str:
    """Return a status as readers see it: `harms` is "breaks" if the base converges; `undecided` has its n.

    A toggle with `no_effect` that makes training diverge says so; one without an ended trial (`is_open`) is "not run
    yet".
    """
    if is_open:
        return NOT_RUN_YET
    if status == EffectStatus.UNDECIDED:
        return f"undecided (n={trials})"
    if status == EffectStatus.NO_EFFECT and makes_diverge:
        return "makes it diverge"
    if status == EffectStatus.HARMS and question == Question.BREAK:
        return "breaks"
    return status.replace("_", " ")


def cell_text(key: str) -> str:
    """Return the changes of a cell from its key, as `str` of the cell does, with short values of params."""
    changes = (change.partition("=") for change in re.split(r",(?=[^,=\[\]]+=)", key))  # not at commas within a list
    return " + ".join(f"{name}{sign}{short_value(value) if '.' in name else value}" for name, sign, value in changes)


def point_text(point: "PointDocument") -> str:
    """Return the changes of a search's point, for people; `none` for the base."""
    changes = [*point.toggles, *(f"{key}={short_value(value)}" for key, value in point.params.items())]
    return " ".join(changes) or "none"


def tried_toggles(document: "RankingDocument") -> list["ToggleDocument"]:
    """Return the toggles with a row in the ranking: those that may have an effect."""
    return [toggle for toggle in document.toggles if toggle.status != EffectStatus.INERT]


def inert_text(document: "RankingDocument") -> str:
    """Return the toggles that cannot have an effect, by reason: `clip, init: the task does not read them; ...`.

    Empty if there are none. If the task reads no level of an axis, only the axis is named.
    """
    levels = Counter(toggle.axis for toggle in document.toggles)
    inert = [toggle for toggle in document.toggles if toggle.status == EffectStatus.INERT]
    unread = [toggle for toggle in inert if InertReason.of(toggle.note) is InertReason.NO_KNOB]
    of_axis = Counter(toggle.axis for toggle in unread)
    by_reason: dict[str, list[str]] = {}
    if unread:
        names = dict.fromkeys(t.axis if of_axis[t.axis] == levels[t.axis] else t.toggle for t in unread)
        by_reason[f"the task does not read {'it' if len(names) == 1 else 'them'}"] = list(names)
    for toggle in inert:
        if toggle not in unread:
            by_reason.setdefault(toggle.note, []).append(toggle.toggle)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


def p_text(p: float | None) -> str:
    """Return a p-value with the digits that matter: `<.001`, `.008`, `.24`, `1`."""
    if p is None:
        return DASH
    if p < 0.001:
        return "<.001"
    if p >= 0.995:
        return "1"
    return (f"{p:.3f}" if p < 0.1 else f"{p:.2f}").removeprefix("0")


def interval_text(low: float, high: float) -> str:
    """Return an interval of probabilities: `0.62–1.00`."""
    return f"{low:.2f}–{high:.2f}"


def number_text(value: float | str | None) -> str:
    """Return a figure with at most four significant digits; text (JSON's NaN) unchanged, None as a dash."""
    if value is None:
        return DASH
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e6 else f"{value:.4g}"


def duration_text(seconds: float) -> str:
    """Return a duration: `0.4 s`, `41 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def minute_text(at: str) -> str:
    """Return a recorded time (ISO 8601) to the minute: `2026-11-23 02:15 UTC`; other text unchanged."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return at
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def joined(words: Sequence[str], last: str) -> str:
    """Return `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def verdicts_text(counts: Mapping[str, int] | Iterable[tuple[str, int]]) -> str:
    """Return `3 diverged, 2 stalled`; the words are verdicts and failure classes."""
    pairs = counts.items() if isinstance(counts, Mapping) else counts
    return ", ".join(f"{count:,} {shown_failure(word)}" for word, count in pairs)


def alternatives_text(document: "RankingDocument") -> str:
    """Return the repairs as alternatives: `A alone, or B alone, or C with D`; empty without repairs."""
    phrases = []
    for repair in document.repairs:
        toggles = repair.toggles
        phrases.append(f"{together(toggles)} alone" if len(toggles) == 1 else together(toggles))
    return ", or ".join(phrases)


def target_text(target: "TargetDocument") -> str:
    """Return what "converged" means in this study, in one phrase."""
    budget = f"within {count_text(target.budget_steps, 'step')}"
    smooth = target.smooth_steps
    metric = ("smoothed " if smooth and target.metric else "") + (target.metric or "the task's loss")
    if target.threshold is None:
        return f"{metric} by the rule for tasks without a target, {budget}"
    sign = "≥" if target.mode == "max" else "≤"
    hold = f"held for {target.hold or f'{HOLD_EVALUATIONS} or more'} evaluation{'' if target.hold == 1 else 's'}"
    smoothed = f" (half-life {number_text(smooth)} {'step' if smooth == 1 else 'steps'})" if smooth else ""
    return f"{metric} {sign} {number_text(target.threshold)}{smoothed}, {hold}, {budget}"


def cost_text(cost: "CostDocument") -> str:
    """Return the cost of a study in one line."""
    parts = [
        trials_text(cost.trials, cost.planned),
        count_text(cost.steps, "step"),
        f"{figure_text(cost.base_run_equivalents, 3)} base run equivalents",
        duration_text(cost.wall_s),
    ]
    if cost.reused:
        parts.append(f"{cost.reused:,} reused")
    return " · ".join(parts)


def trials_text(ended: int, planned: int | None) -> str:
    """Return the number of ended trials, with the planned number while some are still to run: `21 of 40 trials`."""
    if planned is None or ended >= planned:
        return count_text(ended, "trial")
    return share_text(ended, planned, "trial")


def seeds_text(seeds: Sequence[int]) -> str:
    """Return `0–4` for consecutive seeds; otherwise the seeds, without the middle ones if there are many."""
    seeds = sorted(seeds)
    if not seeds:
        return "none"
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]}–{seeds[-1]}"
    shown = [str(seed) for seed in seeds]
    return ", ".join(shown if len(shown) <= 12 else [*shown[:10], "…", shown[-1]])


def failure_text(run: RunRecord) -> str:
    """Return how a run ended, in printable characters."""
    return printable(ending_text(str(run.failure or run.stop_reason or ""), run.message))
