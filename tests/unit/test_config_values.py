import math

import pytest

from sweep.config.values import Section, unknown_key
from sweep.domain.target import Mode
from sweep.errors import ConfigError


def section(**data):
    return Section(data, "launcher", ("slots", "name", "timeout_s", "flag"))


def test_an_unknown_key_names_the_nearest_one():
    with pytest.raises(ConfigError) as caught:
        section(slotz=2)
    assert caught.value.key == "launcher.slotz"
    assert caught.value.value == 2
    assert "slots" in caught.value.allowed
    assert "did you mean 'launcher.slots'?" in str(caught.value)


def test_a_key_that_resembles_nothing_gets_no_suggestion():
    assert "did you mean" not in str(unknown_key("zzzzzz", ["seeds", "study"], value="seeds"))


def test_a_missing_key_is_named():
    with pytest.raises(ConfigError, match=r"launcher\.slots: is missing"):
        section().integer("slots", low=1)


def test_what_is_no_mapping_is_no_section():
    with pytest.raises(ConfigError, match="section"):
        Section(3, "store", ("url",))


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True, None])
def test_an_integer_refuses(value):
    with pytest.raises(ConfigError, match=r"launcher\.slots.*1 or more"):
        section(slots=value).integer("slots", low=1)


@pytest.mark.parametrize("value", [math.nan, math.inf, 0, -1, "3", True])
def test_a_number_refuses(value):
    with pytest.raises(ConfigError, match="finite number above 0"):
        section(timeout_s=value).optional_number("timeout_s", above=0)


@pytest.mark.parametrize("value", [math.nan, 0, "3", None])
def test_a_number_that_must_be_there_does_not_offer_null(value):
    with pytest.raises(ConfigError, match=r"finite number above 0 \(value"):
        section(timeout_s=value).number("timeout_s", above=0)


def test_an_integer_above_its_most_is_refused():
    assert section(slots=4).integer("slots", low=1, high=4) == 4
    with pytest.raises(ConfigError, match=r"launcher\.slots: at most 4 \(value: 5\)"):
        section(slots=5).integer("slots", low=1, high=4)


def test_values_come_back_typed():
    data = section(slots=2, timeout_s=3, flag=False, name="local")
    assert data.integer("slots", low=1) == 2
    assert isinstance(data.optional_number("timeout_s"), float)
    assert data.flag("flag") is False
    assert data.choice("name", ["local"]) == "local"
    assert section(timeout_s=None).optional_number("timeout_s") is None


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_a_flag_refuses(value):
    with pytest.raises(ConfigError, match="true or false"):
        section(flag=value).flag("flag")


def test_a_choice_names_what_is_allowed_and_nearest():
    with pytest.raises(ConfigError, match="did you mean 'local'") as caught:
        section(name="locl").choice("name", ["ray", "local"])
    assert caught.value.allowed == ("local", "ray")


def test_a_choice_among_words_of_an_enum_names_the_word():
    with pytest.raises(ConfigError, match="did you mean 'max'"):
        section(name="maximum").choice("name", list(Mode))
