"""From comparisons to effects: status and rank of each toggle, and how many seeds would decide the undecided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sweep.analysis.compare import Comparison, Contrast, compare_cells
from sweep.analysis.table import Table
from sweep.domain.axis import Toggle
from sweep.domain.effect import Effect, EffectStatus, Proportion, Question, StepsToTarget
from sweep.domain.inert import InertToggle
from sweep.domain.metric_names import natural
from sweep.domain.plural import share_text
from sweep.stats.exact import ALPHA, SPRT_LEAD, holm, paired_test, proportion

MAX_MORE_SEEDS = 40
"""Largest number of further seeds suggested. A study that needs more should be redesigned."""

_ORDER = {
    Question.RESTORE: ("restores", "helps", "undecided", "no_effect", "harms", "inert"),
    Question.BREAK: ("harms", "undecided", "no_effect", "helps", "restores", "inert"),
}


def status_of(comparison: Comparison, outcome: Proportion, question: Question) -> EffectStatus:
    """Return the status that the evidence supports; `outcome` is that of the toggle's cell.

    `restores` needs the exact test after Holm, and a cell that mostly converges. `helps` and `harms` need the exact
    test or the test on steps. `no_effect` needs an interval that rules out a repair (or a break) in most seeds.
    Only base + toggle against base can give `restores` or `no_effect`.
    """
    alone = comparison.contrast is Contrast.ALONE
    mostly = 2 * outcome.converged > outcome.trials
    if comparison.p_adjusted is not None and comparison.p_adjusted <= ALPHA:
        if comparison.gain < 0:
            return EffectStatus.HARMS
        restores = alone and question is Question.RESTORE and mostly
        return EffectStatus.RESTORES if restores else EffectStatus.HELPS
    if _is_speed_decided(comparison):
        return EffectStatus.HELPS if (comparison.saved or 0.0) > 0 else EffectStatus.HARMS
    if alone and comparison.pairs:
        ruled_out = outcome.high < 0.5 if question is Question.RESTORE else outcome.low > 0.5
        if ruled_out:
            return EffectStatus.NO_EFFECT
    return EffectStatus.UNDECIDED


def is_broken(effect: Effect) -> bool:
    """Return whether the exact test, not only the test on steps, shows that the toggle harms convergence."""
    return effect.status is EffectStatus.HARMS and effect.p_adjusted is not None and effect.p_adjusted <= ALPHA


def build_effects(
    table: Table,
    comparisons: Sequence[Comparison],
    question: Question,
    overrides: Mapping[Toggle, tuple[str, ...]],
) -> list[Effect]:
    """Return the effects in order of rank; ties share a rank. `necessity` is filled in later (repairs)."""
    rows = [table.row([c.toggle]) for c in comparisons]
    outcomes = [table.proportion(row) for row in rows]
    statuses = [status_of(c, o, question) for c, o in zip(comparisons, outcomes, strict=True)]
    more = further_seeds(comparisons, statuses, question)
    divergences = [_divergence(table, c) for c in comparisons]
    effects = {
        c.toggle: Effect(
            toggle=c.toggle,
            rank=0,
            status=status,
            sufficiency=outcome,
            necessity=None,
            p_value=c.p,
            p_adjusted=c.p_adjusted,
            test=c.test,
            steps_to_target=_steps(table, c),
            more_seeds=needed,
            seeds=_seeds(table, c),
            note=_note(c, status, question, divergence.note),
            overrides=overrides.get(c.toggle, ()),
            diverged=table.count_diverged(row),
            makes_diverge=divergence.is_caused,
        )
        for c, row, outcome, status, needed, divergence in zip(
            comparisons, rows, outcomes, statuses, more, divergences, strict=True
        )
    }
    return _ranked(table, comparisons, effects, question)


def inert_effects(inert: Sequence[InertToggle], rank: int) -> list[Effect]:
    """Return the effects of inert toggles, all at this rank, with the reason as note."""
    return [
        Effect(
            toggle=each.toggle,
            rank=rank,
            status=EffectStatus.INERT,
            sufficiency=proportion(0, 0),
            necessity=None,
            p_value=None,
            p_adjusted=None,
            test="none",
            steps_to_target=StepsToTarget(median=None, base_median=None, saved=None, p_value=None),
            more_seeds=None,
            seeds=(),
            note=each.text,
        )
        for each in sorted(inert, key=lambda each: natural(str(each.toggle)))
    ]


def further_seeds(
    comparisons: Sequence[Comparison], statuses: Sequence[EffectStatus], question: Question
) -> list[int | None]:
    """Return, for each undecided toggle, how many more seeds would decide if outcomes stay in the same proportions.

    All toggles of the study get these seeds, since Holm's adjustment depends on all of them. None if the toggle is
    decided, or if 40 more seeds would not decide.
    """
    needed: list[int | None] = [None] * len(comparisons)
    paired = [c.pairs > 0 for c in comparisons]
    open_ones = {i for i, s in enumerate(statuses) if s is EffectStatus.UNDECIDED and paired[i]}
    for more in range(1, MAX_MORE_SEEDS + 1):
        if not open_ones:
            break
        counts = [_continued(c.counts, c.pairs + more) if c.pairs else c.counts for c in comparisons]
        tests = [paired_test(*n)[0] if ok else c.p for n, ok, c in zip(counts, paired, comparisons, strict=True)]
        adjusted = holm(tests)
        for i in sorted(open_ones):
            both, gained, lost, neither = counts[i]
            imagined = Comparison(
                toggle=comparisons[i].toggle,
                contrast=comparisons[i].contrast,
                counts=counts[i],
                gain=float(gained - lost),
                p_adjusted=adjusted[i],
            )
            outcome = proportion(both + gained, both + gained + lost + neither)
            if status_of(imagined, outcome, question) is not EffectStatus.UNDECIDED:
                needed[i] = more
                open_ones.discard(i)
    return needed


def _continued(counts: tuple[int, int, int, int], total: int) -> tuple[int, int, int, int]:
    """Return counts in the same proportions that sum to `total`, by largest remainder."""
    scale = total / sum(counts)
    whole = [int(n * scale) for n in counts]
    by_remainder = sorted(range(4), key=lambda i: (whole[i] - counts[i] * scale, i))
    for i in by_remainder[: total - sum(whole)]:
        whole[i] += 1
    return whole[0], whole[1], whole[2], whole[3]


def _is_speed_decided(comparison: Comparison) -> bool:
    return comparison.p_steps_adjusted is not None and comparison.p_steps_adjusted <= ALPHA


def _ranked(
    table: Table, comparisons: Sequence[Comparison], effects: Mapping[Toggle, Effect], question: Question
) -> list[Effect]:
    """Return the effects with ranks: by status, then by share converged and steps saved.

    Toggles of one status tie if the tests cannot tell them apart. A toggle without any verdict comes last, and ties
    only with others like it.
    """
    sign = 1.0 if question is Question.RESTORE else -1.0

    def is_unseen(c: Comparison) -> bool:
        return c.contrast is Contrast.ALONE and not effects[c.toggle].sufficiency.trials

    def key(c: Comparison) -> tuple[bool, int, float, float, object]:
        effect = effects[c.toggle]
        share = effect.sufficiency.mean if c.contrast is Contrast.ALONE else c.gain
        return (
            is_unseen(c),
            _ORDER[question].index(effect.status),
            -sign * share,
            -sign * (c.saved or 0.0),
            natural(str(c.toggle)),
        )

    ranked: list[Effect] = []
    leader: Comparison | None = None
    rank = 0
    for position, c in enumerate(sorted(comparisons, key=key), start=1):
        effect = effects[c.toggle]
        same_word = leader is not None and effects[leader.toggle].status is effect.status
        if leader is None or not same_word or is_unseen(leader) != is_unseen(c) or _can_tell_apart(table, leader, c):
            leader, rank = c, position
        ranked.append(replace(effect, rank=rank))
    return ranked


def _can_tell_apart(table: Table, first: Comparison, second: Comparison) -> bool:
    """Return whether the exact test or the test on steps separates two toggles, paired by seed (0.05, unadjusted)."""
    if first.contrast is not second.contrast or first.contrast is Contrast.NONE:
        return first.contrast is not second.contrast
    if first.contrast is Contrast.MAIN:
        return False
    # With LEFT_OUT, the cell that belongs to a toggle is the one without it.
    mine = first.treated if first.contrast is Contrast.ALONE else first.reference
    other = second.treated if second.contrast is Contrast.ALONE else second.reference
    if mine is None or other is None:
        return False
    between = compare_cells(table, second.toggle, second.contrast, other, mine)
    return any(p is not None and p <= ALPHA for p in (between.p, between.p_steps))


def _steps(table: Table, comparison: Comparison) -> StepsToTarget:
    return StepsToTarget(
        median=table.median(comparison.treated),
        base_median=table.median(comparison.reference),
        saved=comparison.saved,
        p_value=comparison.p_steps,
    )


def _seeds(table: Table, comparison: Comparison) -> tuple[int, ...]:
    if comparison.treated is None:
        return ()
    known = table.converged[comparison.treated] >= 0
    return tuple(seed for seed, ok in zip(table.seeds, known.tolist(), strict=True) if ok)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Divergence:
    """Whether a toggle makes the training diverge, and the note that says so."""

    is_caused: bool = False
    note: str = ""


def _divergence(table: Table, comparison: Comparison) -> _Divergence:
    """Return whether a toggle makes the training diverge, by base + toggle against base.

    It does if Wald's sequential test decides that training diverges with the toggle, and that it does not without. If
    merely most trials diverge with it and most do not without, only the note says so.
    """
    if comparison.contrast is not Contrast.ALONE or not comparison.pairs:
        return _Divergence()
    count, base = table.count_diverged(comparison.treated), table.count_diverged(comparison.reference)
    trials = table.proportion(comparison.treated).trials
    base_trials = table.proportion(comparison.reference).trials
    if 2 * count <= trials or 2 * base >= base_trials:
        return _Divergence()
    is_caused = 2 * count - trials >= SPRT_LEAD and base_trials - 2 * base >= SPRT_LEAD
    verb = "makes it diverge" if is_caused else "diverges"
    return _Divergence(
        is_caused=is_caused, note=f"{verb} ({share_text(count, trials, 'seed')}, the base {base} of {base_trials})"
    )


def _note(comparison: Comparison, status: EffectStatus, question: Question, divergence: str) -> str:
    parts = []
    if comparison.contrast is Contrast.LEFT_OUT:
        parts.append("all changes together against all but this one; its effect alone is unknown")
    by_test = comparison.p_adjusted is not None and comparison.p_adjusted <= ALPHA
    if status is EffectStatus.HARMS and question is Question.BREAK and by_test:
        parts.append("breaks convergence")
    elif status in (EffectStatus.HELPS, EffectStatus.HARMS) and not by_test:
        parts.append("faster" if status is EffectStatus.HELPS else "slower")
    return "; ".join([*parts, *(text for text in (divergence, comparison.note) if text)])
