from dataclasses import replace

import pytest
from found_values import base, data, effect, gate, lr_range, ranking, repaired, symptom

from sweep.analysis.diagnosis import diagnose
from sweep.analysis.findings import Findings, recommendation, seen_kinds, toggles_of_data
from sweep.domain.by_hand import BY_HAND
from sweep.domain.symptom_entry import Healthy
from sweep.domain.symptoms import SYMPTOMS


def diagnosis(found, **options):
    return diagnose(found, **options).answer


def test_broken_data_is_all_there_is_to_say():
    found = data(("files", "ok", ""), ("label range", "broken", ""), answer="Labels are out of range.")
    assert diagnosis(Findings(data=found)).startswith("Labels are out of range. Fix the data first")


def test_data_that_could_not_be_checked_is_not_broken():
    assert not Findings(data=data(("data", "not_checked", ""))).is_data_broken


def test_a_base_that_converges_needs_no_repair():
    assert diagnosis(Findings(base=base(3))) == "The base converges on 3 of 3 seeds. No repair is needed."


def test_a_base_that_converges_on_some_seeds_is_not_settled():
    assert not Findings(base=base(2)).base_converges


def test_the_answer_says_what_is_wrong_and_what_was_ruled_out_before_the_repair():
    found = Findings(
        base=base(0, [symptom("flat")], verdict="not_converged"),
        overfit=gate("learnt"),
        ablation=repaired(),
    )
    assert diagnosis(found) == (
        "The base does not converge (0 of 3 seeds: the loss does not fall). "
        "It can overfit ten samples, so model, head, loss and optimizer work. "
        "What restores convergence: a=off (5 of 5 seeds against 0 of 5 for the base); exact test, p = 0.008."
    )
    assert recommendation(found).overrides == ("task.a=0",)
    assert seen_kinds(found) == ["flat"]


def test_a_failed_overfit_gate_names_where_to_look():
    assert "cannot even overfit ten samples" in diagnosis(Findings(base=base(), overfit=gate("not_learnt")))


def test_a_toggle_that_restores_convergence_does_not_hide_a_fault_of_the_code():
    seen = [symptom("gradient_not_cleared", step=2, metric="watch/uncleared"), symptom("blow_up")]
    ablation = repaired("clip=on", recommended=("task.clip=1",))
    found = Findings(base=base(0, seen), ablation=ablation)
    text = diagnosis(found)
    assert text.index("clear_grad()") < text.index("What restores convergence: clip=on")
    assert "step 2" in text
    assert "clip=on only masks" in text
    assert "masks" not in diagnosis(Findings(base=base(), ablation=ablation))
    assert seen_kinds(found) == ["gradient_not_cleared", "blow_up"]


def test_samples_that_are_fitted_and_still_wrong_point_to_metric_and_labels():
    text = diagnosis(Findings(base=base(), overfit=gate("not_learnt", loss_part=0.001)))
    assert "evaluation" in text
    assert "cannot even learn" not in text


def test_an_overfit_gate_that_could_not_be_run_says_nothing():
    found = Findings(base=base(), overfit=gate("not_checked"))
    assert found.learns
    assert "ten samples" not in diagnosis(found)


@pytest.mark.parametrize(("point", "is_near"), [(0.01, True), (0.029, True), (0.031, False), (0.003, False)])
def test_a_learning_rate_within_a_factor_of_three_is_left_alone(point, is_near):
    found = Findings(base=base(), lr_range=lr_range(point, 0.01))
    assert (found.point == ()) is is_near


def test_a_learning_rate_that_is_far_off_and_confirmed_decides():
    assert Findings(lr_range=lr_range(0.1, 3.0)).is_lr_decisive
    assert not Findings(lr_range=lr_range(0.1, 3.0, confirmed=False)).is_lr_decisive
    assert not Findings(lr_range=lr_range(0.1, 0.5)).is_lr_decisive


def test_a_learning_rate_too_high_is_said_to_be_higher():
    assert "is 30 times higher" in diagnosis(Findings(base=base(), lr_range=lr_range(0.1, 3.0)))


def test_a_learning_rate_that_did_not_help_is_not_called_right():
    found = Findings(base=base(), lr_range=lr_range(0.001, 0.02, overrides=()))
    assert "No other learning rate" in diagnosis(found)
    assert "0.02" in diagnosis(found)


def test_where_a_repair_is_known_the_failed_gate_asks_for_nothing_more():
    ablation = repaired("lr=range", recommended=("task.lr=1",))
    found = Findings(base=base(), overfit=gate("not_learnt"), ablation=ablation)
    assert "As configured, it cannot even overfit ten samples. What restores" in diagnosis(found)


def test_a_range_test_without_a_point_says_nothing():
    found = Findings(base=base(), lr_range=lr_range(None, 3.0, overrides=()))
    assert found.point == ()
    assert "range test" not in diagnosis(found)


def test_a_p_value_that_is_adjusted_says_so():
    adjusted = effect("a=off", "restores", 0.008, adjusted=0.032, converged=5)
    ablation = ranking(adjusted, repairs=("a=off",), recommended=("task.a=0",))
    assert diagnosis(Findings(ablation=ablation)).endswith("exact test, p = 0.032 after Holm.")


def test_alternative_repairs_are_named_with_what_stands_behind_them():
    ablation = ranking(
        effect("a=off", "restores", 0.016),
        effect("b=off", "restores", 0.008),
        effect("c=off", "no_effect", 1.0),
        repairs=("a=off", "b=off"),
        recommended=("task.a=0",),
    )
    assert diagnosis(Findings(ablation=ablation)) == (
        "What restores convergence, each alone: a=off (5 of 5 seeds against 0 of 5 for the base), "
        "or b=off (5 of 5 seeds against 0 of 5 for the base); exact test, p = 0.016."
    )


def test_a_repair_verified_on_fresh_seeds_says_so_and_is_recommended():
    found = Findings(ablation=ranking(effect("a=off", "undecided", 0.095)), verify=repaired())
    assert "a=off (5 of 5 fresh seeds against 0 of 5 for the base)" in diagnosis(found)
    assert recommendation(found).overrides == ("task.a=0",)


def test_without_a_repair_it_says_what_was_ruled_out_and_what_is_open():
    ablation = ranking(effect("a=off", "no_effect", 1.0), effect("b=off", "undecided", 0.2))
    answer = diagnosis(Findings(ablation=ablation))
    assert "No effect: a=off." in answer
    assert "Not decided: b=off." in answer


def test_a_change_that_makes_it_worse_is_not_without_effect():
    worse = effect("b=on", "no_effect", 1.0, diverges=True)
    ablation = ranking(effect("a=off", "no_effect", 1.0), worse, effect("c=on", "harms", 0.01))
    assert "No effect: a=off. Worse: b=on, c=on." in diagnosis(Findings(ablation=ablation))


def test_a_change_that_makes_it_diverge_on_few_seeds_is_worse_and_not_open():
    ablation = ranking(effect("a=off", "undecided", 1.0), effect("b=on", "undecided", 1.0, diverges=True))
    assert "Worse: b=on. Not decided: a=off." in diagnosis(Findings(ablation=ablation))


def test_seeds_of_the_base_that_miss_in_different_ways_are_counted():
    mixed = base(verdicts=[("diverged", 2), ("not_converged", 1), ("undecided", 1), ("crash", 1)])
    assert diagnosis(Findings(base=mixed)).startswith(
        "The base does not converge (0 of 3 seeds, 2 diverged, 1 not converged)."
    )
    alike = base(verdicts=[("diverged", 3)])
    assert diagnosis(Findings(base=alike)).startswith("The base does not converge (0 of 3 seeds, diverged).")
    short = base(verdict="not_converged", verdicts=[("not_converged", 3)])
    assert diagnosis(Findings(base=short)).startswith("The base does not converge (0 of 3 seeds).")


def test_a_base_without_a_verdict_is_not_said_to_miss():
    crashed = base(verdict="undecided", seeds=0, answer="3 crash of 3.")
    assert diagnosis(Findings(base=crashed)).startswith("3 crash of 3. The diagnosis stopped")


def test_a_diagnosis_of_a_base_without_a_verdict_says_why_and_that_nothing_was_tried():
    silent = base(seeds=0, answer="No trial logged any metric. Call run.log.")
    found = Findings(base=silent, data=data(("label balance", "warning", "few")))
    assert (found.is_base_judged, found.is_judged, diagnose(found).is_ok) == (False, False, False)
    text = diagnosis(found)
    assert text.startswith("No trial logged any metric. Call run.log.")
    assert "label balance: few" in text
    assert "without a verdict" in text
    assert Findings().is_base_judged
    assert Findings(base=base(0)).is_base_judged


def test_a_base_that_converges_now_and_then_gets_the_rankings_own_words():
    assert diagnosis(Findings(ablation=ranking(question="break", answer="Its words."))) == "Its words."


def test_a_task_with_no_knob_to_turn_is_told_how_a_change_is_named():
    answer = diagnosis(Findings(base=base()), has_axes=False)
    assert "No change was tried" in answer
    assert "+axes.NAME" in answer


WARNED = data(("files", "ok", "none"), ("input scale", "warning", "pixels are 0 to 255"))


def test_where_nothing_helps_the_warnings_of_the_data_check_are_what_to_look_at():
    assert diagnosis(Findings(data=WARNED, base=base())).endswith(
        "The data check warns of input scale: pixels are 0 to 255."
    )


def test_where_a_repair_is_known_the_warnings_of_the_data_check_are_left_to_its_section():
    assert "warns" not in diagnosis(Findings(data=WARNED, base=base(), ablation=repaired()))


def test_rows_in_the_order_of_their_classes_are_named_beside_a_repair_and_point_to_shuffling():
    order = data(("shape and type", "warning", "float64"), ("order of rows", "warning", "rows come sorted by class"))
    assert "warns of order of rows: rows come sorted by class." in diagnosis(
        Findings(data=order, base=base(), ablation=repaired())
    )
    assert "warns of order of rows: rows come sorted by class; shape" in diagnosis(Findings(data=order, base=base()))
    assert toggles_of_data(Findings(data=order)) == ["shuffle=on"]
    assert toggles_of_data(Findings(data=WARNED)) == ["input_norm=standardize"]
    assert toggles_of_data(Findings()) == []


def test_what_one_seed_showed_is_said_of_a_base_that_converges_on_most_or_all():
    for converged in (2, 3):
        found = base(converged, exceptions=["In 1 of 3 seeds (seed 0) NaN comes in with the input (step 38): fix it."])
        answer = diagnosis(Findings(base=found))
        assert answer.index("converges on") < answer.index("step 38")
        assert "No repair is needed" not in answer


def test_a_diagnosis_that_finds_no_cause_says_so():
    tried = ranking(effect("a=off", "no_effect", 1.0))
    assert "found a cause" in diagnosis(Findings(base=base(), ablation=tried))
    seen = base(0, [symptom("flat")])
    assert "found a cause" not in diagnosis(Findings(base=seen, ablation=tried))


def test_a_gate_that_is_right_with_a_high_loss_does_not_call_head_and_loss_sound():
    high = gate("learnt", note="Every sample is right", loss_part=0.56)
    answer = diagnosis(Findings(base=base(), overfit=high))
    assert "its loss stays at 56% of its first value" in answer
    assert "last layer" in answer
    assert "loss and optimizer work" not in answer


SCALE = BY_HAND["input_norm=standardize"]
LACKING = frozenset({"input_norm", "shuffle"})


def unscaled(**found):
    seen = base(0, [symptom("input_scale")], verdict="not_converged")
    return Findings(base=seen, lacking=LACKING, **found)


def test_a_cause_that_the_task_has_no_knob_for_is_named_with_what_to_do():
    said = diagnosis(unscaled(ablation=ranking(effect("lr=x0.1", "no_effect", 1.0))))
    assert said.count(SCALE) == 1


def test_a_cause_that_the_task_has_a_knob_for_is_not_done_by_hand():
    assert SCALE not in diagnosis(Findings(base=unscaled().base))


def test_a_repair_does_not_hide_the_cause_that_is_most_likely():
    assert SCALE in diagnosis(unscaled(ablation=repaired("lr=x0.1", recommended=("task.lr_scale=0.1",))))


def test_with_a_repair_what_is_less_likely_is_not_named():
    found = Findings(base=base(0, [symptom("oscillating")]), lacking=LACKING)
    ablation = repaired("lr=x0.1", recommended=("task.lr_scale=0.1",))
    assert BY_HAND["shuffle=on"] not in diagnosis(replace(found, ablation=ablation))
    assert BY_HAND["shuffle=on"] in diagnosis(found)


def test_a_hint_leads_to_nothing_by_hand(monkeypatch):
    hint = replace(SYMPTOMS["input_scale"], healthy=Healthy(alarms=10, runs=100))
    monkeypatch.setitem(SYMPTOMS, "input_scale", hint)
    assert SCALE not in diagnosis(unscaled())
