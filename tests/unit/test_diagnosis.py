import pytest

from sweep.analysis.diagnosis import Findings, diagnosis, ranked_symptoms, recommendation, toggles_of_data
from sweep.domain.byhand import BY_HAND


def staged(answer="", recommended=(), **section):
    return {
        "answer": answer,
        "recommended": {"overrides": list(recommended)},
        "stages": [{"stage": "x", "section": section}],
    }


def base(converged=0, symptoms=(), verdict="diverged"):
    found = [{"rule": rule, "title": title, "message": ""} for rule, title in symptoms]
    return {"base": {"seeds": 3, "converged": converged, "verdict": verdict, "symptoms": found}}


def lr_range(point, base_lr, *, confirmed=True, overrides=("task.lr=1",)):
    found = staged(recommended=overrides, point=point, base_lr=base_lr)
    found["stages"].append({"stage": "lr_confirm", "section": {"confirmed": confirmed}})
    return found


def test_broken_data_is_all_there_is_to_say():
    data = staged("Labels are out of range.", checks=[{"severity": "ok"}, {"severity": "broken"}])
    assert diagnosis(Findings(data=data)).startswith("Labels are out of range. Fix the data first")


def test_data_that_could_not_be_checked_is_not_broken():
    assert not Findings(data=staged(checks=[{"severity": "not checked"}])).is_data_broken


def test_a_base_that_converges_needs_no_repair():
    assert diagnosis(Findings(base=base(3))) == "The base converges on 3 of 3 seeds. Nothing has to be repaired."


def test_a_base_that_converges_on_some_seeds_is_not_settled():
    assert not Findings(base=base(2)).base_converges


def test_the_answer_says_what_is_wrong_and_what_was_ruled_out_before_the_repair():
    found = Findings(
        base=base(0, [("flat", "The loss does not fall")], verdict="not_converged"),
        overfit=staged(verdict="learnt"),
        ablation=ranked([("a=off", "restores", 0.008)], repairs=("a=off",), recommended=("task.a=0",)),
    )
    assert diagnosis(found) == (
        "The base does not converge (0 of 3 seeds: the loss does not fall). "
        "It can overfit ten samples, so model, head, loss and optimizer work. "
        "What restores convergence: a=off (5 of 5 seeds against 0 of 5 for the base); exact test, p = 0.008."
    )
    assert recommendation(found).overrides == ("task.a=0",)
    assert ranked_symptoms(found.base) == ["flat"]


def test_a_failed_overfit_gate_names_where_to_look():
    assert "cannot even overfit ten samples" in diagnosis(Findings(base=base(), overfit=staged(verdict="not_learnt")))


UNCLEARED = {
    "rule": "gradient_not_cleared", "title": "The gradient is never cleared", "message": "", "step": 2, "layer": "",
    "metric": "watch/uncleared", "fault": "code", "fix": "call optimizer.clear_grad() after optimizer.step()",
}  # fmt: skip


def test_a_toggle_that_restores_convergence_does_not_hide_a_fault_of_the_code():
    summary = base(0, [("blow_up", "The loss blows up")])
    summary["base"]["symptoms"].insert(0, UNCLEARED)
    repaired = ranked([("clip=on", "restores", 0.008)], repairs=("clip=on",), recommended=("task.clip=1",))
    text = diagnosis(Findings(base=summary, ablation=repaired))
    assert text.index("clear_grad()") < text.index("What restores convergence: clip=on")
    assert "step 2" in text
    assert "clip=on only masks" in text
    assert "masks" not in diagnosis(Findings(base=base(), ablation=repaired))
    assert ranked_symptoms(summary) == ["gradient_not_cleared", "blow_up"]


def test_samples_that_are_fitted_and_still_wrong_point_to_metric_and_labels():
    rows = [{"verdict": "not_learnt", "note": "", "loss_part": 0.001}]
    text = diagnosis(Findings(base=base(), overfit=staged(verdict="not_learnt", trials=rows)))
    assert "evaluation" in text
    assert "cannot even learn" not in text


def test_an_overfit_gate_that_could_not_be_run_says_nothing():
    found = Findings(base=base(), overfit=staged(verdict="not_checked"))
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


def test_a_learning_rate_too_high_is_said_to_be_above():
    assert "is 30 times above" in diagnosis(Findings(base=base(), lr_range=lr_range(0.1, 3.0)))


def test_a_learning_rate_that_did_not_help_is_not_called_right():
    found = Findings(base=base(), lr_range=lr_range(0.001, 0.02, overrides=()))
    assert "No other learning rate that was tried helps (its own is 0.02)." in diagnosis(found)


def test_where_a_repair_is_known_the_failed_gate_asks_for_nothing_more():
    repaired = ranked([("lr=range", "restores", 0.008)], repairs=("lr=range",), recommended=("task.lr=1",))
    found = Findings(base=base(), overfit=staged(verdict="not_learnt"), ablation=repaired)
    assert "As configured, it cannot even overfit ten samples. What restores" in diagnosis(found)


def test_a_range_search_without_a_point_says_nothing():
    found = Findings(base=base(), lr_range=lr_range(None, 3.0, overrides=()))
    assert found.point == ()
    assert "range search" not in diagnosis(found)


def ranked(toggles, *, repairs=(), recommended=(), question="restore"):
    return {
        "answer": "The ranking's own words.",
        "question": question,
        "base": {"converged": 0, "trials": 5},
        "toggles": [
            {"toggle": name, "status": status, "trials": 5, "p_value": p, "p_adjusted": p}
            for name, status, p in toggles
        ],
        "repairs": [{"toggles": [name], "converged": 5, "seeds": 5} for name in repairs],
        "recommended": {"overrides": list(recommended)},
    }


def test_a_p_value_that_is_adjusted_says_so():
    ablation = ranked([("a=off", "restores", 0.008)], repairs=("a=off",), recommended=("task.a=0",))
    ablation["toggles"][0]["p_adjusted"] = 0.032
    assert diagnosis(Findings(ablation=ablation)).endswith("exact test, p = 0.032 after Holm.")


def test_alternative_repairs_are_named_with_what_stands_behind_them():
    ablation = ranked(
        [("a=off", "restores", 0.016), ("b=off", "restores", 0.008), ("c=off", "no_effect", 1.0)],
        repairs=("a=off", "b=off"),
        recommended=("task.a=0",),
    )
    assert diagnosis(Findings(ablation=ablation)) == (
        "What restores convergence, each alone: a=off (5 of 5 seeds against 0 of 5 for the base), "
        "or b=off (5 of 5 seeds against 0 of 5 for the base); exact test, p = 0.016."
    )


def test_a_repair_verified_on_fresh_seeds_says_so_and_is_recommended():
    undecided = ranked([("a=off", "undecided", 0.095)])
    verified = ranked([("a=off", "restores", 0.008)], repairs=("a=off",), recommended=("task.a=0",))
    found = Findings(ablation=undecided, verify=verified)
    assert "a=off (5 of 5 fresh seeds against 0 of 5 for the base)" in diagnosis(found)
    assert recommendation(found).overrides == ("task.a=0",)


def test_without_a_repair_it_says_what_was_ruled_out_and_what_is_open():
    ablation = ranked([("a=off", "no_effect", 1.0), ("b=off", "undecided", 0.2)])
    assert diagnosis(Findings(ablation=ablation)) == (
        "No change tried restores convergence for certain. Without effect: a=off. Not decided: b=off."
    )


def test_a_change_that_makes_it_worse_is_not_without_effect():
    ablation = ranked([("a=off", "no_effect", 1.0), ("b=on", "no_effect", 1.0), ("c=on", "harms", 0.01)])
    ablation["toggles"][1]["makes_diverge"] = True
    assert "Without effect: a=off. Worse: b=on, c=on." in diagnosis(Findings(ablation=ablation))


def test_a_change_that_makes_it_diverge_on_few_seeds_is_worse_and_not_open():
    ablation = ranked([("a=off", "undecided", 1.0), ("b=on", "undecided", 1.0)])
    ablation["toggles"][1]["makes_diverge"] = True
    assert "Worse: b=on. Not decided: a=off." in diagnosis(Findings(ablation=ablation))


def test_seeds_of_the_base_that_miss_in_different_ways_are_counted():
    base = {"seeds": 3, "converged": 0, "verdict": "diverged", "symptoms": []}
    mixed = {"base": {**base, "verdicts": {"diverged": 2, "not_converged": 1, "undecided": 1, "crash": 1}}}
    assert diagnosis(Findings(base=mixed)).startswith(
        "The base does not converge (0 of 3 seeds, 2 diverged, 1 not converged)."
    )
    alike = {"base": {**base, "verdicts": {"diverged": 3}}}
    assert diagnosis(Findings(base=alike)).startswith("The base does not converge (0 of 3 seeds, diverged).")
    short = {"base": {**base, "verdict": "not_converged", "verdicts": {"not_converged": 3}}}
    assert diagnosis(Findings(base=short)).startswith("The base does not converge (0 of 3 seeds).")


def test_a_base_without_a_verdict_is_not_said_to_miss():
    crashed = {"base": {"seeds": 0, "converged": 0, "verdict": "undecided", "symptoms": []}, "answer": "3 crash of 3."}
    assert diagnosis(Findings(base=crashed)).startswith("3 crash of 3. The diagnosis stopped")


def test_a_diagnosis_of_a_base_without_a_verdict_says_why_and_that_nothing_was_tried():
    silent = {
        "base": {"seeds": 0, "converged": 0, "symptoms": []},
        "answer": "No trial logged any metric. Call run.log.",
    }
    found = Findings(
        base=silent, data=staged(checks=[{"name": "label balance", "severity": "warning", "found": "few"}])
    )
    assert (found.is_base_judged, found.is_judged) == (False, False)
    text = diagnosis(found)
    assert text.startswith("No trial logged any metric. Call run.log.")
    assert "label balance: few" in text
    assert "without a verdict" in text
    assert Findings().is_base_judged
    assert Findings(base=base(0)).is_base_judged


def test_a_base_that_converges_now_and_then_gets_the_rankings_own_words():
    assert diagnosis(Findings(ablation=ranked([], question="break"))) == "The ranking's own words."


def test_a_task_with_no_knob_to_turn_is_told_how_a_change_is_named():
    answer = diagnosis(Findings(base=base()), has_axes=False)
    assert "No change was tried" in answer
    assert "+axes.NAME" in answer


WARNED = staged(
    checks=[
        {"severity": "ok", "name": "files", "found": "none"},
        {"severity": "warning", "name": "input scale", "found": "pixels are 0 to 255"},
    ]
)


def test_where_nothing_helps_the_warnings_of_the_data_check_are_what_to_look_at():
    assert diagnosis(Findings(data=WARNED, base=base())).endswith(
        "The data check warns of input scale: pixels are 0 to 255."
    )


def test_where_a_repair_is_known_the_warnings_of_the_data_check_are_left_to_its_section():
    repaired = ranked([("a=off", "restores", 0.008)], repairs=("a=off",), recommended=("task.a=0",))
    assert "warns" not in diagnosis(Findings(data=WARNED, base=base(), ablation=repaired))


def test_rows_in_the_order_of_their_classes_are_named_beside_a_repair_and_point_to_shuffling():
    order = staged(checks=[
        {"severity": "warning", "name": "shape and type", "found": "float64"},
        {"severity": "warning", "name": "order of rows", "found": "rows come sorted by class"},
    ])  # fmt: skip
    repaired = ranked([("a=off", "restores", 0.008)], repairs=("a=off",), recommended=("task.a=0",))
    assert "warns of order of rows: rows come sorted by class." in diagnosis(
        Findings(data=order, base=base(), ablation=repaired)
    )
    assert "warns of order of rows: rows come sorted by class; shape" in diagnosis(Findings(data=order, base=base()))
    assert toggles_of_data(order) == ["shuffle=on"]
    assert toggles_of_data(WARNED) == ["input_norm=standardize"]
    assert toggles_of_data(None) == []


def test_what_one_seed_showed_is_said_of_a_base_that_converges_on_most_or_all():
    for converged in (2, 3):
        found = base(converged)
        found["base"]["exceptions"] = ["In 1 of 3 seeds (seed 0) NaN comes in with the input (step 38): fix it."]
        answer = diagnosis(Findings(base=found))
        assert answer.index("converges on") < answer.index("step 38")
        assert "Nothing has to be repaired" not in answer


def test_a_diagnosis_that_finds_no_cause_says_so():
    tried = ranked([("a=off", "no_effect", 1.0)])
    assert "found a cause" in diagnosis(Findings(base=base(), ablation=tried))
    seen = base(0, [("flat", "The loss does not fall")])
    assert "found a cause" not in diagnosis(Findings(base=seen, ablation=tried))


def test_a_gate_that_is_right_with_a_high_loss_does_not_call_head_and_loss_sound():
    gate = staged(verdict="learnt", trials=[{"note": "Every sample is right", "loss_part": 0.56}])
    answer = diagnosis(Findings(base=base(), overfit=gate))
    assert "its loss stays at 56% of its first value: check that the last layer and the loss fit" in answer
    assert "loss and optimizer work" not in answer


def scaled(*others):
    found = base(0, [("input_scale", "The inputs are not normalised"), *others], verdict="not_converged")
    found["base"]["symptoms"][0]["by_hand"] = [BY_HAND["input_norm=standardize"]]
    return found


def test_a_cause_that_the_task_has_no_knob_for_is_named_with_what_to_do():
    said = diagnosis(Findings(base=scaled(), ablation=ranked([("lr=x0.1", "no_effect", 1.0)])))
    assert said.count(BY_HAND["input_norm=standardize"]) == 1


def test_a_repair_does_not_hide_the_cause_that_is_most_likely():
    repaired = ranked([("lr=x0.1", "restores", 0.008)], repairs=("lr=x0.1",), recommended=("task.lr_scale=0.1",))
    assert BY_HAND["input_norm=standardize"] in diagnosis(Findings(base=scaled(), ablation=repaired))


def test_with_a_repair_what_is_less_likely_is_not_named():
    found = base(0, [("oscillating", "The training oscillates")])
    found["base"]["symptoms"][0]["by_hand"] = [BY_HAND["shuffle=on"]]
    repaired = ranked([("lr=x0.1", "restores", 0.008)], repairs=("lr=x0.1",), recommended=("task.lr_scale=0.1",))
    assert BY_HAND["shuffle=on"] not in diagnosis(Findings(base=found, ablation=repaired))
    assert BY_HAND["shuffle=on"] in diagnosis(Findings(base=found))


def test_a_hint_leads_to_nothing_by_hand():
    found = scaled()
    found["base"]["symptoms"][0]["advisory"] = True
    assert BY_HAND["input_norm=standardize"] not in diagnosis(Findings(base=found))
