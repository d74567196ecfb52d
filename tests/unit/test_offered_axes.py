"""Which toggles of sweep's own axes can be tried on a task, and what is advised for those that cannot."""

from pathlib import Path

import pytest
import yaml

from sweep.config.knobs import TaskBase
from sweep.config.offered import axes_override, can_try, lacks_knobs, offered_axes
from sweep.config.overrides import task_override
from sweep.domain.by_hand import BY_HAND
from sweep.domain.knobs import STANDARD_KNOBS
from sweep.domain.symptoms import SYMPTOMS
from sweep.domain.verdict import Symptom
from sweep.report.symptom_text import axes_text, described, full_lines

CONF = Path(__file__).parents[2] / "conf"
FILES = {
    axis: body for path in (CONF / "axis").glob("*.yaml") for axis, body in yaml.safe_load(path.read_text()).items()
}
ADVISED = {toggle for about in SYMPTOMS.values() for toggle in about.tests}
SCALED = Symptom(rule="input_scale", step=0, value=1000.0, threshold=2.0, message="inputs run from -1000 to 1000")
KNOBS = {"lr": 0.1, "lr_scale": 1.0, "init": "default", "clip": None}


def test_the_axes_are_read_off_the_text_as_yaml_reads_them():
    assert {
        axis: {level: tuple(f"task.{knob}={text}" for knob, text in settings) for level, settings in levels.items()}
        for axis, levels in offered_axes().items()
    } == {axis: {level: tuple(texts) for level, texts in body["levels"].items()} for axis, body in FILES.items()}


def test_every_advised_toggle_is_a_level_of_an_axis_and_can_be_done_by_hand():
    levels = {f"{axis}={level}" for axis, body in FILES.items() for level in body["levels"]}
    assert levels >= ADVISED
    assert set(BY_HAND) == levels


def test_the_axes_set_the_standard_knobs():
    overrides = [text for body in FILES.values() for texts in body["levels"].values() for text in texts]
    assert {task_override(text)[0].removeprefix("task.") for text in overrides} == STANDARD_KNOBS


@pytest.mark.parametrize(
    ("toggle", "knobs", "can"),
    [
        ("input_norm=standardize", {"input_norm": None}, True),
        ("input_norm=standardize", {"input_norm": "standardize"}, False),
        ("input_norm=standardize", {}, False),
        ("clip=off", {"clip": 1.0}, True),
        ("clip=off", {"clip": None}, False),
        ("shuffle=on", {"shuffle": False}, True),
        ("shuffle=on", {"shuffle": 0}, False),  # of another kind: the override would be refused
        ("adam_eps=1e-4", {"adam_eps": 1e-4}, False),
        ("adam_eps=1e-4", {"adam_eps": None, "optimizer": "AdamW"}, True),
        ("adam_eps=1e-4", {"adam_eps": None, "optimizer": "momentum"}, False),
        ("no_such_axis=on", {"no_such_axis": 1}, False),
    ],
)
def test_a_toggle_can_be_tried_if_it_changes_the_tasks_value(toggle, knobs, can):
    assert can_try(toggle, knobs) is can


def test_an_axis_lacks_its_knob_only_if_the_task_has_no_such_key():
    assert lacks_knobs("input_norm", {})
    assert not lacks_knobs("input_norm", {"input_norm": "standardize"})
    assert not lacks_knobs("an_own_axis", {})
    assert not lacks_knobs("adam_eps", {"optimizer": "sgd"})


def test_a_symptom_says_what_to_do_by_hand_where_the_task_has_no_knob():
    found = described(SCALED, (), KNOBS)
    assert found.tests == ("lr=x0.1", "init=xavier")
    assert found.by_hand == (BY_HAND["input_norm=standardize"],)
    with_knob = described(SCALED, (), {**KNOBS, "input_norm": None})
    assert (with_knob.tests[0], with_knob.by_hand) == ("input_norm=standardize", ())


def test_what_is_most_promising_is_said_first():
    def order(knobs):
        (table,) = full_lines([described(SCALED, (), knobs)], converges=False)
        texts = [str(cell) for cell in table.columns[1].cells]
        return ["tested" if "tested by" in text else "hand" for text in texts if "tested by" in text or "hand" in text]

    assert order(KNOBS) == ["hand", "tested"]
    assert order({"input_norm": None, "init": "default"}) == ["tested", "hand"]


def test_a_study_of_many_advised_axes_stays_small():
    assert axes_override(["init=xavier", "init=kaiming", "lr=x0.1"]) == ("+axis=[init,lr]",)
    assert "driver.design=one_at_a_time" in axes_override(SYMPTOMS["non_finite"].tests)
    assert axes_text(["init=xavier"]) == "'+axis=[init]'"


def test_an_axis_that_the_task_has_no_knob_for_is_refused_with_what_to_do_by_hand():
    from omegaconf import OmegaConf

    from sweep.config.axes import read_axes
    from sweep.errors import ConfigError

    base = TaskBase(OmegaConf.create({"task": {"_target_": "m.train", "lr": 0.1}}))
    with pytest.raises(ConfigError) as caught:
        read_axes({"input_norm": FILES["input_norm"]}, base, skipped=frozenset())
    assert BY_HAND["input_norm=standardize"] in str(caught.value)
