"""Rankings of fixed designs with a known truth: the words, the figures and the answer."""

from dataclasses import replace
from itertools import combinations

import making
import pytest

from sweep.analysis import rank
from sweep.domain.axis import Axis, Cell, Level, Toggle
from sweep.domain.effect import EffectStatus, Question
from sweep.domain.inert import InertToggle
from sweep.domain.states import FailureClass, TrialState
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Symptom, Verdict

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=600, stop_early=True)
BUDGET = TARGET.budget_steps


def axis(name, *levels):
    levels = levels or ("off",)
    return Axis(name=name, levels=tuple(Level(name=n, overrides=(f"task.{name}={n}",)) for n in levels))


AXES = (axis("dropout"), axis("weight_decay"), axis("augmentation"))
D, W, A = (Toggle(name, "off") for name in ("dropout", "weight_decay", "augmentation"))


def outcome(cell, seed, tau, *, number=0, **changes):
    """tau: steps to target, None for a miss."""
    known = {"verdict": Verdict.STALLED if tau is None else Verdict.CONVERGED, "tau": tau, "wall_s": 2.0}
    known |= {"steps": BUDGET if tau is None else tau, "cell": Cell(frozenset(cell))}
    return making.outcome(number=number, seed=seed, **(known | changes))


def study(cells, truth, seeds=5, **changes):
    """truth(cell, seed) -> tau or None."""
    found = [(cell, seed) for cell in cells for seed in range(seeds)]
    return [outcome(c, s, truth(frozenset(c), s), number=i, **changes) for i, (c, s) in enumerate(found)]


ONE_AT_A_TIME = [(), (D,), (W,), (A,)]
FACTORIAL = [c for r in range(4) for c in combinations((D, W, A), r)]


def by_toggle(ranking):
    return {effect.toggle: effect for effect in ranking.effects}


def test_a_toggle_that_repairs_every_seed_restores():
    ranking = rank(study(ONE_AT_A_TIME, lambda c, s: 200 + s if D in c else None), AXES, TARGET)
    first = ranking.effects[0]
    assert (first.toggle, first.rank, first.status, first.test) == (D, 1, EffectStatus.RESTORES, "Fisher")
    assert first.p_value == pytest.approx(0.0079, abs=1e-4)
    assert first.p_adjusted == pytest.approx(3 * first.p_value)
    assert (first.steps_to_target.median, first.steps_to_target.base_median) == (202, None)
    assert ranking.question is Question.RESTORE
    assert ranking.recommended == ("task.dropout=off",)
    assert ranking.answer.startswith("dropout=off restores convergence (5 of 5 seeds against 0 of 5, exact p = 0.0079)")


def test_repairs_that_nothing_tells_apart_are_all_recommended():
    taus = {D: (200, 207, 200, 207, 200), W: (202, 204, 203, 202, 204)}
    outcomes = study(ONE_AT_A_TIME, lambda c, s: next((taus[t][s] for t in taus if t in c), None))
    ranking = rank(outcomes, AXES, TARGET)
    assert {effect.rank for effect in ranking.effects[:2]} == {1}
    assert (ranking.recommended, ranking.ties) == (("task.dropout=off",), (("task.weight_decay=off",),))
    assert ranking.choice_reason == ""


def test_a_repair_that_is_told_from_the_next_one_says_why_it_is_recommended():
    taus = {D: 200, W: 400}
    outcomes = study(ONE_AT_A_TIME, lambda c, s: next((taus[t] + s for t in taus if t in c), None), seeds=7)
    ranking = rank(outcomes, AXES, TARGET)
    assert [effect.rank for effect in ranking.effects[:2]] == [1, 2]
    assert (ranking.recommended, ranking.ties) == (("task.dropout=off",), ())
    assert "fewer steps: 203 against 403" in ranking.choice_reason


def test_ties_are_in_the_order_a_reader_expects():
    levels = [Toggle("x", f"l{n}") for n in (1, 2, 9, 10, 11, 100)]
    axes = (axis("x", *(toggle.level for toggle in reversed(levels))),)
    outcomes = study([(), *((toggle,) for toggle in reversed(levels))], lambda c, s: None)
    assert [effect.toggle for effect in rank(outcomes, axes, TARGET).effects] == levels


def test_toggles_without_effect_are_ruled_out_and_tied():
    ranking = rank(study(ONE_AT_A_TIME, lambda c, s: 200 if D in c else None), AXES, TARGET)
    assert [(e.rank, e.status) for e in ranking.effects[1:]] == [(2, EffectStatus.NO_EFFECT)] * 2


def test_three_seeds_never_restore_and_say_how_many_more_would():
    ranking = rank(study(ONE_AT_A_TIME, lambda c, s: 200 if D in c else None, seeds=3), AXES, TARGET)
    effect = by_toggle(ranking)[D]
    assert (effect.status, effect.more_seeds) == (EffectStatus.UNDECIDED, 2)
    assert ranking.repairs == ()
    assert ranking.recommended == ()
    assert "Not decided: dropout=off converged on 3 of 3 seeds" in ranking.answer
    assert "2 more with the same outcome would" in ranking.answer
    assert ranking.answer.endswith("; augmentation=off and weight_decay=off are also undecided.")


def test_what_is_ruled_out_beside_something_undecided_is_named():
    ranking = rank(study(ONE_AT_A_TIME, lambda c, s: 200 if W not in c and c else None, seeds=4), AXES, TARGET)
    assert "Not decided: augmentation=off converged on 4 of 4 seeds" in ranking.answer
    assert ranking.answer.endswith("; dropout=off is also undecided; weight_decay=off does not restore convergence.")


def test_a_set_of_three_reads_as_one_set():
    ranking = rank(
        study([(), (D, W, A), (D, W), (D, A), (W, A)], lambda c, s: 200 if len(c) == 3 else None), AXES, TARGET
    )
    assert "augmentation=off with dropout=off and weight_decay=off restores convergence" in ranking.answer


def test_more_seeds_keeps_its_word():
    few = rank(study(ONE_AT_A_TIME, lambda c, s: 200 if D in c else None, seeds=3), AXES, TARGET)
    more = 3 + by_toggle(few)[D].more_seeds
    many = rank(study(ONE_AT_A_TIME, lambda c, s: 200 if D in c else None, seeds=more), AXES, TARGET)
    less = rank(study(ONE_AT_A_TIME, lambda c, s: 200 if D in c else None, seeds=more - 1), AXES, TARGET)
    assert by_toggle(many)[D].status is EffectStatus.RESTORES
    assert by_toggle(less)[D].status is EffectStatus.UNDECIDED


def test_equal_repairs_are_alternatives_not_one_list():
    ranking = rank(study(FACTORIAL, lambda c, s: 200 if D in c or W in c else None), AXES, TARGET)
    assert [r.toggles for r in ranking.repairs] == [(D,), (W,)]
    assert [e.rank for e in ranking.effects] == [1, 1, 3]
    assert "dropout=off alone, or weight_decay=off alone restores convergence" in ranking.answer


def test_a_faster_repair_comes_first_and_is_told_apart_with_enough_seeds():
    def truth(cell, seed):
        return 100 + seed if D in cell else 300 + seed if W in cell else None

    ranking = rank(study(ONE_AT_A_TIME, truth, seeds=8), AXES, TARGET)
    assert [(e.toggle, e.rank) for e in ranking.effects] == [(D, 1), (W, 2), (A, 3)]
    tied = rank(study(ONE_AT_A_TIME, truth, seeds=5), AXES, TARGET)
    assert [(e.toggle, e.rank) for e in tied.effects] == [(D, 1), (W, 1), (A, 3)]


def test_a_pair_that_only_works_together_is_the_repair_and_both_are_needed():
    ranking = rank(study(FACTORIAL, lambda c, s: 200 if {D, W} <= c else None), AXES, TARGET)
    (repair,) = ranking.repairs
    assert repair.toggles == (D, W)
    assert repair.verified
    assert repair.overrides == ("task.dropout=off", "task.weight_decay=off")
    assert (by_toggle(ranking)[D].necessity.converged, by_toggle(ranking)[A].necessity.converged) == (0, 5)
    strongest = ranking.interactions[0]
    assert (strongest.toggles, strongest.value, strongest.seeds) == ((D, W), 1.0, 5)
    assert "dropout=off with weight_decay=off restores convergence" in ranking.answer


def test_a_repair_is_not_verified_where_its_removal_was_not_decided():
    def truth(cell, seed):
        return 200 if {D, W} <= cell or (D in cell and seed < 2) else None

    (repair,) = rank(study(FACTORIAL, truth), AXES, TARGET).repairs
    assert repair.toggles == (D, W)
    assert not repair.verified


def test_where_the_base_converges_the_question_is_what_breaks_it():
    ranking = rank(study(ONE_AT_A_TIME, lambda c, s: None if A in c else 200), AXES, TARGET)
    assert ranking.question is Question.BREAK
    first = ranking.effects[0]
    assert (first.toggle, first.status, first.note) == (A, EffectStatus.HARMS, "breaks convergence")
    assert [e.status for e in ranking.effects[1:]] == [EffectStatus.NO_EFFECT] * 2
    assert ranking.recommended == ()
    assert ranking.answer.startswith("augmentation=off breaks convergence (0 of 5 seeds against 5 of 5")


def test_slower_but_converging_is_harm_by_speed_and_no_break():
    def truth(cell, seed):
        return 500 if A in cell else 200 + seed

    ranking = rank(study(ONE_AT_A_TIME, truth, seeds=8), AXES, TARGET)
    effect = by_toggle(ranking)[A]
    assert (effect.status, effect.note) == (EffectStatus.HARMS, "slower")
    assert ranking.repairs == ()
    assert "None of the 3 changes breaks convergence" in ranking.answer


def test_a_base_only_study_says_whether_the_base_converges():
    assert rank(study([()], lambda c, s: 200), (), TARGET).answer == "The base converges (5 of 5 seeds)."
    symptom = Symptom(rule="flat", step=60, value=0.0, threshold=1e-3, metric="train/loss")
    ranking = rank(study([()], lambda c, s: None, symptoms=(symptom,)), (), TARGET)
    assert ranking.answer == "The base does not converge (0 of 5 seeds; all stalled; seen: the loss does not fall)."
    assert ranking.base.symptoms == (symptom,)


def test_a_study_in_which_everything_diverges_says_so():
    ranking = rank(study(ONE_AT_A_TIME, lambda c, s: None, verdict=Verdict.DIVERGED), AXES, TARGET)
    assert ranking.base.verdict == "diverged"
    assert "Every trial with a verdict diverged" in ranking.answer
    assert {e.status for e in ranking.effects} == {EffectStatus.NO_EFFECT}


def test_a_study_in_which_everything_crashes_says_nothing_of_convergence():
    crashed = {"state": TrialState.FAILED, "verdict": Verdict.UNDECIDED, "failure": FailureClass.CRASH}
    ranking = rank(study(ONE_AT_A_TIME, lambda c, s: None, **crashed), AXES, TARGET)
    assert ranking.answer.startswith("No trial reached a verdict: 20 crash")
    assert {e.status for e in ranking.effects} == {EffectStatus.UNDECIDED}
    assert (ranking.base.seeds, ranking.base.verdict) == (0, "undecided")
    assert ranking.cells[0].verdicts == (("crash", 5),)


def test_a_crash_is_no_evidence_and_its_partner_is_left_out_of_the_test():
    outcomes = study(ONE_AT_A_TIME, lambda c, s: 200 if D in c else None, seeds=6)
    crash = outcome((D,), 0, None, number=6, state=TrialState.FAILED, verdict=Verdict.UNDECIDED)
    outcomes[6] = crash
    effect = by_toggle(rank(outcomes, AXES, TARGET))[D]
    assert (effect.sufficiency.converged, effect.sufficiency.trials) == (5, 5)
    assert effect.seeds == (1, 2, 3, 4, 5)
    assert effect.note == "1 seed not compared: one of the two runs has no verdict"
    assert effect.status is EffectStatus.RESTORES


def test_no_trials_at_all_is_an_answer():
    ranking = rank([], AXES, TARGET)
    assert ranking.answer == "No trial was run."
    assert {e.note for e in ranking.effects} == {"not tried"}


def test_inert_toggles_come_last_with_their_reason():
    ranking = rank(
        study([(), (D,)], lambda c, s: 200 if c else None),
        AXES[:1],
        TARGET,
        inert=[InertToggle.recorded("clip=off", "clip is off already")],
    )
    last = ranking.effects[-1]
    assert (str(last.toggle), last.status, last.rank) == ("clip=off", EffectStatus.INERT, 2)
    assert last.note == "clip is off already"


def test_leave_one_out_speaks_of_need_and_never_of_restoring():
    cells = [(), (D, W, A), (W, A), (D, A), (D, W)]
    ranking = rank(study(cells, lambda c, s: 200 if D in c else None), AXES, TARGET)
    effect = by_toggle(ranking)[D]
    assert effect.status is EffectStatus.HELPS
    assert effect.note.startswith("all changes together against all but this one")
    assert effect.sufficiency.trials == 0
    assert EffectStatus.RESTORES not in {e.status for e in ranking.effects}
    assert [r.toggles for r in ranking.repairs] == [(A, D, W)]
    assert not ranking.repairs[0].verified
    assert "needed when the others are on: dropout=off (0 of 5 without it)" in ranking.answer


def test_leave_one_out_tries_further_levels_in_the_place_of_the_first():
    other = Toggle("dropout", "half")
    cells = [(), (D, W), (W,), (D,), (other, W)]
    axes = (axis("dropout", "off", "half"), axis("weight_decay"))
    ranking = rank(study(cells, lambda c, s: 200 if other in c else None), axes, TARGET)
    assert by_toggle(ranking)[other].status is EffectStatus.HELPS


PLACKETT_BURMAN_12 = "++-+++---+-"


def test_plackett_burman_gives_main_effects():
    axes = tuple(axis(f"a{i:02}") for i in range(11))
    rows = [PLACKETT_BURMAN_12[-k:] + PLACKETT_BURMAN_12[:-k] for k in range(11)] + ["-" * 11]
    cells = [[a.toggles[0] for a, sign in zip(axes, row, strict=True) if sign == "+"] for row in rows]
    active = axes[4].toggles[0]
    ranking = rank(study(cells, lambda c, s: 200 if active in c else None), axes, TARGET)
    first = ranking.effects[0]
    assert (first.toggle, first.status, first.test) == (active, EffectStatus.HELPS, "permutation")
    assert first.p_value == pytest.approx(2 / 924)
    assert "main effect over 6 cells with it and 6 without" in first.note
    assert {e.status for e in ranking.effects[1:]} == {EffectStatus.UNDECIDED}


def test_toggles_that_no_cell_isolates_get_no_p_value():
    ranking = rank(study([(), (D, W)], lambda c, s: 200 if c else None), AXES, TARGET)
    assert by_toggle(ranking)[D].p_value is None
    assert "only together with other changes" in by_toggle(ranking)[D].note
    assert ranking.repairs == ()


def test_a_search_names_its_best_trial_and_the_overrides():
    def trial(number, lr, tau, best):
        return replace(outcome((), 0, tau, number=number, best=best), cell=Cell(params=(("task.lr", lr),)))

    ranking = rank([trial(0, "0.1", None, 0.5), trial(1, "0.01", 300, 0.95), trial(2, "0.02", 200, 0.93)], (), TARGET)
    assert ranking.recommended == ("task.lr=0.02",)
    assert "task.lr=0.02" in ranking.answer


def test_a_search_of_which_every_point_diverged_says_so():
    points = [outcome((), 0, None, number=n, verdict=Verdict.DIVERGED) for n in range(3)]
    points[1:] = [replace(point, cell=Cell(params=(("task.lr", f"{point.number}"),))) for point in points[1:]]
    assert rank(points, (), TARGET).answer.endswith(" Every trial with a verdict diverged, whatever was changed.")


def test_cost_counts_what_ran_and_names_what_was_reused():
    outcomes = [*study([()], lambda c, s: None, seeds=2), outcome((D,), 0, 100, number=2, reused=True)]
    cost = rank(outcomes, AXES, TARGET).cost
    assert (cost.trials, cost.reused, cost.steps, cost.base_run_equivalents, cost.wall_s) == (3, 1, 1200, 2.0, 4.0)
    assert rank(outcomes, AXES, TARGET, wall_s=1.5).cost.wall_s == 1.5


def test_cells_come_base_first_with_counts_and_medians():
    cells = rank(study(FACTORIAL, lambda c, s: 200 if D in c else None), AXES, TARGET).cells
    assert (cells[0].cell.key, cells[0].verdicts, cells[0].median_tau) == ("base", (("stalled", 5),), None)
    assert cells[1].median_tau == 200


def test_trials_that_end_without_a_verdict_say_why():
    silent = {"verdict": Verdict.UNDECIDED, "reason": "val/acc was never logged; logged: loss (the budget was used up)"}
    ranking = rank(study([()], lambda c, s: None, **silent), (), TARGET)
    assert ranking.answer.startswith("No trial reached a verdict: 5 undecided")
    assert silent["reason"] in ranking.answer


def test_trials_that_were_not_run_are_called_that():
    base = study([()], lambda c, s: None, seeds=2)
    waiting = study([(D,)], lambda c, s: None, seeds=2, state=TrialState.PENDING, verdict=Verdict.UNDECIDED)
    ranking = rank([*base, *waiting], AXES[:1], TARGET)
    assert "2 of 4 trials have no verdict yet: 2 not run yet." in ranking.notes
    assert "Not run yet: dropout=off" in ranking.answer
    assert by_toggle(ranking)[D].is_open
    assert dict(ranking.cells[1].verdicts) == {}


def interrupted(design=ONE_AT_A_TIME):
    """Two base trials that ended, one that was stopped under way, and all others cancelled before they ran."""
    done = study([()], lambda c, s: None, seeds=2)
    stopped = [outcome((), 2, None, number=2, steps=30, state=TrialState.CANCELLED, verdict=Verdict.UNDECIDED)]
    rest = study(list(design[1:]), lambda c, s: None, seeds=3, state=TrialState.CANCELLED, verdict=Verdict.UNDECIDED)
    rest = [replace(each, number=3 + i, steps=0, wall_s=0.0) for i, each in enumerate(rest)]
    return [*done, *stopped, *rest]


def test_an_interrupted_study_counts_as_cost_only_the_trials_that_ended():
    outcomes = interrupted()
    cost = rank(outcomes, AXES, TARGET).cost
    assert (cost.trials, cost.planned) == (2, len(outcomes))
    assert cost.steps == sum(each.steps for each in outcomes)


def test_cancelled_trials_are_not_run_yet_and_have_no_verdict():
    ranking = rank(interrupted(), AXES, TARGET)
    assert "not decided" not in ranking.answer.lower()
    assert "Not run yet: augmentation=off, dropout=off, weight_decay=off" in ranking.answer
    assert dict(ranking.cells[0].verdicts) == {"stalled": 2}


def test_a_study_stopped_before_its_first_verdict_says_so():
    assert rank(interrupted()[2:], AXES, TARGET).answer.startswith(
        "No trial has a verdict yet: 9 not run yet, 1 stopped"
    )


def test_the_note_on_few_seeds_does_not_contradict_what_would_decide():
    ranking = rank(study([(), (D,)], lambda c, s: 200 if D in c else None, seeds=3), AXES[:1], TARGET)
    assert by_toggle(ranking)[D].more_seeds == 1
    [note] = ranking.notes
    assert "With 3 seeds no exact test" in note
    assert "at least 4 are needed" in note


def test_one_seed_is_said_as_one():
    ranking = rank(study([(), (D,)], lambda c, s: 200 if D in c else None, seeds=1), AXES[:1], TARGET)
    assert "0 of 1 seed;" in ranking.answer
    assert "converged on 1 of 1 seed," in ranking.answer
    assert ranking.notes[0].startswith("With 1 seed no")


def test_one_change_that_is_ruled_out_and_one_trial_without_a_verdict_are_said_as_one():
    truth = {(): None, (W,): None, (D,): 200}
    outcomes = study(list(truth), lambda c, s: truth[tuple(c)], seeds=4)
    outcomes.append(outcome((A,), 0, None, number=99, state=TrialState.FAILED, verdict=Verdict.UNDECIDED))
    assert (
        "same outcome would; weight_decay=off does not restore convergence."
        in rank(outcomes[:-1], AXES[:2], TARGET).answer
    )
    alone = rank(outcomes[-1:], AXES, TARGET).notes
    assert alone[0].startswith("1 of 1 trial gives no evidence")


def test_a_set_of_which_each_alone_converges_too_is_not_said_to_need_one():
    ranking = rank(study([(), (D,), (A,), (D, A)], lambda c, s: 200 if c else None, seeds=4), AXES[::2], TARGET)
    assert [r.toggles for r in ranking.repairs] == [(A, D)]
    assert "None of these was shown to be needed" in ranking.answer
