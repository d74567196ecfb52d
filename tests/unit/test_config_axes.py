import pytest
from omegaconf import OmegaConf

from sweep.config.axes import read_axes
from sweep.config.knobs import TaskBase, same_type
from sweep.domain.axis import Toggle
from sweep.domain.inert import InertToggle
from sweep.domain.knobs import STANDARD_KNOBS
from sweep.errors import ConfigError

TASK = {"_target_": "m.train", "dropout": 0.5, "clip": None, "width": 8, "half": "${task.width}", "init": "default",
        "augmentation": True, "opt": {"lr": 0.1}}  # fmt: skip


def base(**task):
    return TaskBase(OmegaConf.create({"task": TASK | task}))


def read(axes, *, skipped=(), named=(), **task):
    return read_axes(axes, base(**task), skipped=frozenset(skipped), named=frozenset(named))


def refused(axes, **task):
    with pytest.raises(ConfigError) as caught:
        read(axes, **task)
    return caught.value


def test_axes_keep_the_order_of_the_config():
    got = read({"width": {"levels": {"big": ["task.width=64"], "small": ["task.width=2"]}},
                "dropout": {"levels": {"off": ["task.dropout=0.0"]}}})  # fmt: skip
    assert [str(t) for axis in got.axes for t in axis.toggles] == ["width=big", "width=small", "dropout=off"]
    assert got.inert == ()


def test_a_level_may_set_several_keys_nested_ones_too():
    got = read({"a": {"levels": {"x": ["task.width=4", "task.opt.lr=0.01"]}}})
    assert got.axes[0].level("x").overrides == ("task.width=4", "task.opt.lr=0.01")


def test_a_knob_the_task_lacks_is_an_error_that_lists_its_knobs():
    error = refused({"x": {"levels": {"off": ["task.dropuot=1"]}}})
    assert error.key == "axes.x.levels.off"
    assert error.value == "task.dropuot=1"
    assert "task.dropout" in error.allowed
    assert "did you mean task.dropout" in str(error)
    assert "~axes.x" in str(error)


def test_the_target_is_no_knob():
    assert "no knob" in str(refused({"x": {"levels": {"a": ["task._target_=a.b"]}}}))


@pytest.mark.parametrize(
    ("override", "task"),
    [
        ("task.dropout=0", {"dropout": 0.0}),
        ("task.dropout=0.0", {"dropout": 0}),
        ("task.clip=null", {"clip": None}),
        ("task.augmentation=false", {"augmentation": False}),
        ("task.opt.lr=1e-1", {}),
    ],
)
def test_a_level_equal_to_the_baseline_by_value_is_an_error(override, task):
    error = refused({"x": {"levels": {"a": [override]}}}, **task)
    assert error.key == "axes.x.levels.a"
    assert "equals the baseline" in str(error)
    assert override in str(error)


def test_two_levels_that_do_the_same_are_an_error():
    error = refused({"x": {"levels": {"a": ["task.width=4"], "b": ["task.width=4.0"]}}})
    assert error.key == "axes.x.levels.b"
    assert "'a'" in str(error)


def test_skipped_axes_lose_what_does_not_apply_and_say_why():
    axes = {"clip": {"levels": {"on": ["task.clip=1.0"], "off": ["task.clip=null"]}},
            "shuffle": {"levels": {"on": ["task.shuffle=true"]}}}  # fmt: skip
    got = read(axes, skipped=("clip", "shuffle"))
    assert [str(t) for axis in got.axes for t in axis.toggles] == ["clip=on"]
    assert got.inert == (
        InertToggle.at_baseline(Toggle("clip", "off")),
        InertToggle.no_knob(Toggle("shuffle", "on"), "task.shuffle"),
    )


CLIP = {"clip": {"levels": {"on": ["task.clip=1.0"], "off": ["task.clip=none"]}}}


def test_none_of_a_standard_knob_is_null_before_it_is_compared_with_the_baseline():
    got = read(CLIP, skipped=("clip",))
    assert [str(toggle) for axis in got.axes for toggle in axis.toggles] == ["clip=on"]
    assert got.inert == (InertToggle.at_baseline(Toggle("clip", "off")),)
    assert base(clip=1.0).with_overrides(["task.clip=none"], owner="cell")["clip"] is None
    assert read(CLIP, clip=2.0).axes[0].level("off").overrides == ("task.clip=none",)


@pytest.mark.parametrize("knob", sorted(STANDARD_KNOBS))
@pytest.mark.parametrize("value", [None, 0.5, 2, True], ids=str)
def test_none_and_null_of_every_standard_knob_are_one_task_and_equal_a_null_baseline(knob, value):
    task = base(**{knob: value})
    by_none, by_null = (task.with_overrides([f"task.{knob}={word}"], owner="cell") for word in ("none", "null"))
    assert by_none == by_null
    assert by_none[knob] is None
    if value is None:
        assert read({"a": {"levels": {"off": [f"task.{knob}=none"]}}}, skipped=("a",), **{knob: None}).axes == ()


@pytest.mark.parametrize("knob", sorted(STANDARD_KNOBS))
def test_none_stays_text_for_a_standard_knob_whose_own_value_is_text(knob):
    assert base(**{knob: "as it is"}).with_overrides([f"task.{knob}=none"], owner="cell")[knob] == "none"


def test_none_stays_text_for_a_key_that_is_text_or_no_standard_knob():
    task = base(scheduler="cosine", pooling="max").with_overrides(
        ["task.scheduler=none", "task.pooling=none"], owner="cell"
    )
    assert (task["scheduler"], task["pooling"]) == ("none", "none")


def test_of_an_axis_named_on_the_command_line_a_level_that_is_there_already_is_left_out_and_listed():
    axes = {"init": {"levels": {"default": ["task.init=default"], "xavier": ["task.init=xavier"]}}}
    got = read(axes, named=("init",))
    assert [str(toggle) for axis in got.axes for toggle in axis.toggles] == ["init=xavier"]
    assert got.inert == (InertToggle.at_baseline(Toggle("init", "default")),)
    assert "equals the baseline" in str(refused(axes))


def test_an_axis_named_on_the_command_line_that_changes_nothing_is_an_error():
    with pytest.raises(ConfigError, match="equals the baseline"):
        read({"init": {"levels": {"default": ["task.init=default"]}}}, named=("init",))
    with pytest.raises(ConfigError, match="no knob"):
        read({"shuffle": {"levels": {"on": ["task.shuffle=true"]}}}, named=("shuffle",))


def test_skipping_does_not_excuse_a_wrong_type():
    with pytest.raises(ConfigError, match="text"):
        read({"x": {"levels": {"a": ["task.width=wide"]}}}, skipped=("x",))


@pytest.mark.parametrize(("name", "quoted"), [(False, '"off"'), (True, '"on"')])
def test_an_unquoted_off_or_on_is_explained(name, quoted):
    error = refused({"clip": {"levels": {name: ["task.clip=1.0"]}}})
    assert error.key == "axes.clip.levels"
    assert "boolean" in str(error)
    assert quoted in str(error)


@pytest.mark.parametrize(
    ("axes", "key"),
    [
        (3, "axes"),
        ({"a=b": {"levels": {"x": ["task.width=1"]}}}, "axes"),
        ({"a,b": {"levels": {"x": ["task.width=1"]}}}, "axes"),
        ({"a": 3}, "axes.a"),
        ({"a": {"levels": {}}}, "axes.a.levels"),
        ({"a": {"levels": ["task.width=1"]}}, "axes.a.levels"),
        ({"a": {"levls": {}}}, "axes.a.levls"),
        ({"a": {"levels": {"x": "task.width=1"}}}, "axes.a.levels.x"),
        ({"a": {"levels": {"x": []}}}, "axes.a.levels.x"),
        ({"a": {"levels": {"x": [3]}}}, "axes.a.levels.x"),
        ({"a": {"levels": {"x": ["seeds=3"]}}}, "axes.a.levels.x"),
        ({"a": {"levels": {"x,y": ["task.width=1"]}}}, "axes.a.levels"),
        ({"a": {"levels": {"base": ["task.width=1"]}}}, "axes.a.levels"),
        ({"a": {"levels": {4: ["task.width=1"]}}}, "axes.a.levels"),
    ],
)
def test_a_malformed_axis_is_an_error_at_its_key(axes, key):
    assert refused(axes).key == key


def test_an_override_reaches_the_keys_that_refer_to_it():
    task = base().with_overrides(["task.width=3"], owner="cell")
    assert (task["width"], task["half"]) == (3, 3)


def test_applying_overrides_leaves_the_base_alone():
    task_base = base()
    task_base.with_overrides(["task.opt.lr=9.0"], owner="cell")
    assert task_base.with_overrides([], owner="cell") == task_base.section
    assert task_base.section["opt"] == {"lr": 0.1}


def test_two_values_for_one_key_in_a_cell_are_an_error():
    with pytest.raises(ConfigError, match=r"task\.width is set twice"):
        base().with_overrides(["task.width=1", "task.width=2"], owner="cell a=x,b=y")


@pytest.mark.parametrize(("known", "value"), [(0.5, 1), (None, "x"), (3, None), (3, 2.5), (True, False), ([1], [2, 3])])
def test_values_of_the_knobs_kind_are_taken(known, value):
    got = same_type("task.x", "task.x=..", known, value)
    assert got == value
    assert not isinstance(known, float) or isinstance(got, float)


@pytest.mark.parametrize(("known", "value"), [(0.5, "abc"), (True, 1), (1, True), ("a", 3), (3, [3]), ([3], 3)])
def test_values_of_another_kind_are_refused(known, value):
    with pytest.raises(ConfigError, match=r"task\.x: the task's value is"):
        same_type("task.x", "task.x=..", known, value)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), b"bytes"])
def test_what_a_json_file_cannot_hold_is_refused(value):
    with pytest.raises(ConfigError, match=r"task\.opt\.x"):
        base(opt={"x": value})


def test_an_interpolation_that_leads_nowhere_is_named():
    with pytest.raises(ConfigError, match="nowhere") as caught:
        base(width="${nowhere}")
    assert caught.value.key == "task.width"
