"""The catalogue of symptoms fits the rules, the config and the axes; priors made from it stay within bounds."""

import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml

from sweep.domain.symptom_entry import MAX_FACTOR, Fault, Healthy
from sweep.domain.symptoms import KINDS, SYMPTOMS, about_of, kind_of, layer_of, subject_of, urgency
from sweep.domain.verdict import Symptom
from sweep.judge import RULES, SymptomThresholds
from sweep.report.headings import SymptomDocument
from sweep.report.symptom_text import described, place_text
from sweep.stats.priors import axes_for

CONF = Path(__file__).parents[2] / "conf"


def test_every_rule_is_in_the_catalogue_and_nothing_else():
    assert set(SYMPTOMS) == set(RULES)


def test_the_config_has_every_threshold_with_the_value_of_the_code():
    assert yaml.safe_load((CONF / "symptoms" / "default.yaml").read_text()) == pytest.approx(
        asdict(SymptomThresholds())
    )


def test_counts_given_as_floats_are_whole_again():
    limits = SymptomThresholds.of({"oscillation_points": 40.0, "dead_share": 0.8})
    assert (limits.oscillation_points, limits.dead_share) == (40, 0.8)
    assert isinstance(limits.oscillation_points, int)
    with pytest.raises(TypeError):
        SymptomThresholds.of({"no_such_threshold": 1.0})


def test_the_false_alarms_are_those_of_the_measured_table():
    table = (CONF.parent / "results" / "benchmarks" / "symptoms.md").read_text(encoding="utf-8")
    measured = re.findall(r"^\| `(\w+)` \| (\d+) of (\d+) \|", table, flags=re.MULTILINE)
    assert {rule: (int(n), int(runs)) for rule, n, runs in measured} == {
        rule: (about.healthy.alarms, about.healthy.runs) for rule, about in SYMPTOMS.items()
    }


def test_a_rule_above_1_percent_of_healthy_runs_is_a_hint():
    about = SYMPTOMS["overfit"]
    assert not replace(about, healthy=Healthy(alarms=2, runs=200)).advisory
    assert replace(about, healthy=Healthy(alarms=3, runs=200)).advisory


@pytest.mark.parametrize("kind", [*SYMPTOMS, *KINDS])
def test_an_entry_is_complete(kind):
    about = about_of(kind)
    assert about.title[0].isupper()
    assert about.causes
    assert 1.0 <= about.factor <= MAX_FACTOR
    assert bool(about.fix) == (about.fault is not Fault.SETTING)


def test_a_kind_is_found_by_rule_and_metric_and_belongs_to_a_rule():
    assert kind_of("non_finite", "watch/grad_abs/fc1") == "non_finite@watch/grad_abs"
    assert kind_of("non_finite", "train/loss") == "non_finite"
    assert about_of("no_such_rule") is None
    assert {about.rule for about in KINDS.values()} <= set(SYMPTOMS)


def test_what_no_setting_removes_comes_first():
    order = sorted(["slow", "flat", "gradient_not_cleared", "labels", "blow_up"], key=urgency)
    assert order[:2] == ["gradient_not_cleared", "labels"]
    assert urgency("non_finite", "watch/inputs") < urgency("non_finite", "train/loss")


def test_the_toggles_of_axes_that_are_there_are_levels_of_them():
    for path in (CONF / "axis").glob("*.yaml"):
        [(axis, body)] = yaml.safe_load(path.read_text()).items()
        named = {toggle for about in SYMPTOMS.values() for toggle in about.tests if toggle.startswith(f"{axis}=")}
        assert named <= {f"{axis}={level}" for level in body["levels"]}


def test_what_two_rules_point_to_comes_before_what_one_does():
    assert axes_for(["blow_up", "oscillating"])[0][0] == "lr"
    assert axes_for(["vanishing_gradient"])[0][0] == "activation"
    assert [axis for axis, _ in axes_for(["over_regularised"])] == ["weight_decay", "dropout", "augmentation"]


def test_no_symptom_points_nowhere():
    assert axes_for([]) == []
    assert axes_for(["no_such_rule"]) == []


@pytest.mark.parametrize(
    ("metric", "layer", "subject"),
    [
        ("watch/dead/features.0", "features.0", "watch/dead"),
        ("watch/grad_norm", "", "watch/grad_norm"),
        ("val/loss", "", "val/loss"),
        ("train/head/loss", "", "train/head/loss"),
    ],
)
def test_a_metric_of_the_monitor_names_its_layer(metric, layer, subject):
    assert (layer_of(metric), subject_of(metric)) == (layer, subject)


def test_only_toggles_that_can_be_tried_are_told():
    symptom = Symptom(rule="vanishing_gradient", step=50, value=1e-9, threshold=1e-7, metric="watch/grad_abs/fc1")
    assert "init=kaiming" in described(symptom, ()).tests
    assert "mine=x" not in described(symptom, ("mine",)).tests
    assert described(symptom, (), {"lr": 0.1, "lr_scale": 1.0}).tests == ("lr=x10",)
    assert described(Symptom(rule="mine", step=1, value=0.0, threshold=0.0), ()).title == "Mine"


def test_a_fault_of_the_code_is_told_with_what_to_change():
    found = described(
        Symptom(rule="gradient_not_cleared", step=2, value=19.0, threshold=10.0, metric="watch/uncleared"), ()
    )
    assert found.fault == "code"
    assert "clear_grad" in found.fix
    assert described(Symptom(rule="flat", step=2, value=0.0, threshold=1.0), ()).fault == "setting"


def test_a_place_is_a_step_with_its_layer_or_the_start():
    assert place_text(SymptomDocument(rule="x", step=1200, layer="fc1")) == "step 1,200, layer fc1"
    assert place_text(SymptomDocument(rule="x")) == "from the start"


def test_a_recorded_threshold_of_a_rule_that_is_gone_is_left_out():
    limits = SymptomThresholds.recorded({"slow_gain": 0.01, "dead_share": 0.8})
    assert limits.dead_share == 0.8
    assert SymptomThresholds.recorded({}) == SymptomThresholds()
