import pytest

from sweep.config import load_study_config
from sweep.config.composing import compose
from sweep.config.overrides import parse_overrides, task_override
from sweep.errors import ConfigError


def test_a_level_may_be_written_without_quotes():
    parsed = parse_overrides(["+axes.mine={levels: {small: [task.width=8, task.lr=0.1], big: [task.width=64]}}"])
    (override,) = parsed.hydra
    assert override.value() == {"levels": {"small": ["task.width=8", "task.lr=0.1"], "big": ["task.width=64"]}}


def test_a_quoted_level_stays_as_it_is():
    (override,) = parse_overrides(['+axes.mine.levels.a=["task.name=x"]']).hydra
    assert override.value() == ["task.name=x"]


@pytest.mark.parametrize("prefix", ["", "+", "++"])
def test_a_param_keeps_hydras_sweep_syntax_as_text(prefix):
    parsed = parse_overrides([f"{prefix}params.task.lr=tag(log, interval(1e-4, 1))"])
    assert parsed.params == (("task.lr", "tag(log, interval(1e-4, 1))"),)
    assert parsed.hydra == ()


def test_a_param_may_be_quoted():
    assert parse_overrides(['+params.task.lr="interval(0, 1)"']).params == (("task.lr", "interval(0, 1)"),)


@pytest.mark.parametrize("name", ["nan", "1", "1e3", "true", "null"])
def test_an_option_is_a_files_name_also_where_it_looks_like_a_value(name):
    assert parse_overrides([f"task={name}"]).choices("task") == (name,)
    assert parse_overrides([f"task={name}"]).group_texts == [f"task='{name}'"]


def test_a_removed_level_may_have_a_dot_in_its_name():
    parsed = parse_overrides(["~axes.lr.levels.x0.1", "~axes.clip", "~params.task.lr"])
    assert parsed.removed_axes == (("lr", "x0.1"), ("clip", None))
    assert parsed.removed_params == ("task.lr",)


@pytest.mark.parametrize(
    ("overrides", "names"),
    [
        (["+axis=[lr,clip]"], {"lr", "clip"}),
        (["+axis=lr"], {"lr"}),
        (["+axes.mine.levels.a=[task.x=1]"], {"mine"}),
        (["+axes={mine: {levels: {a: [task.x=1]}}}"], {"mine"}),
        (["+ablation=all", "~axes.lr"], set()),
    ],
)
def test_named_axes_are_those_the_command_line_names_itself(overrides, names):
    assert parse_overrides(overrides).named_axes == names


@pytest.mark.parametrize(
    ("override", "key", "words"),
    [
        ("foo", "foo", "neither a command nor an override"),
        ("task", "task", "task=NAME"),
        ("a=[", "a", "cannot be read"),
        ("=3", "=3", "has no key"),
        ("seeds=1,2", "seeds", "one value"),
        ("task.lr=1,2", "task.lr", "+params.task.lr=1,2"),
        ("hydra.run.dir=x", "hydra.run.dir", "--config-dir"),
        ("ablation=all", "ablation", "+ablation=all"),
        ("search=tpe", "search", "+search=tpe"),
        ("task@x=y", "task", "another package"),
    ],
)
def test_an_override_that_cannot_be_understood_is_named(override, key, words):
    with pytest.raises(ConfigError) as caught:
        parse_overrides([override])
    assert caught.value.key == key
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("task.dropout=0.0", "task.dropout", 0.0),
        ("task.clip=null", "task.clip", None),
        ("task.augmentation=false", "task.augmentation", False),
        ("task.init=xavier", "task.init", "xavier"),
        ("task.name='a b'", "task.name", "a b"),
        ("task.sizes=[1,2]", "task.sizes", [1, 2]),
        ("task.opt.lr=1e-3", "task.opt.lr", 1e-3),
    ],
)
def test_a_task_override_is_read_with_its_type(text, key, value):
    got_key, got = task_override(text)
    assert (got_key, got, type(got)) == (key, value, type(value))


@pytest.mark.parametrize(
    "text", ["seeds=3", "+task.a=1", "~task.a", "task.a=1,2", "task.a=choice(1,2)", "task.a", "task=x"]
)
def test_a_level_may_only_set_a_task_key(text):
    with pytest.raises(ValueError, match=r"task\.KEY=VALUE|one value|one$|has one|cannot be read"):
        task_override(text)


@pytest.mark.parametrize("typed", ["+axes=[dropout]", "axes=[dropout]"])
def test_a_list_where_axes_are_described_is_answered_with_the_option_that_chooses_them(typed):
    with pytest.raises(ConfigError) as caught:
        compose([typed])
    assert caught.value.key == "axes"
    assert "'+axis=[NAME]'" in str(caught.value)


@pytest.mark.parametrize("name", ["1e5", "007", "1.50", "true", "nan", "s"])
def test_a_studys_name_is_the_text_that_was_typed(name):
    assert load_study_config([f"study={name}"]).study.name == name
    assert load_study_config(["study=null"]).study.is_named is False
