"""The options that Hydra's users type: done, or answered with what stands in for them."""

from pathlib import Path

import pytest

from sweep.cli.options import read_options
from sweep.errors import UsageError


def read(*words, is_plan=False):
    return read_options("python -m sweep", words, is_plan=is_plan)


@pytest.mark.parametrize(
    "words",
    [
        ("--cfg", "task=x"),
        ("task=x", "--cfg"),
        ("--cfg", "job", "task=x"),
        ("task=x", "--cfg", "all"),
        ("--cfg=job", "task=x"),
        ("-c", "job", "task=x", "--resolve"),
    ],
)
def test_the_config_is_asked_for_as_hydra_has_it(words):
    options = read(*words)
    assert options.is_cfg
    assert options.overrides == ("task=x",)


def test_one_section_of_the_config_is_asked_for():
    assert read("--cfg", "job", "-p", "task").package == "task"
    with pytest.raises(UsageError, match="--cfg"):
        read("--package", "task")


def test_a_short_option_is_recorded_in_full():
    options = read("-cd", "conf", "--run", "task=x")
    assert options.config_dirs == (Path("conf"),)
    assert options.words == ("--config-dir", "conf", "task=x")


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("--multirun", "+search=tpe"),
        ("-m", "+axis=[...]"),
        ("--info", "--cfg"),
        ("--hydra-help", "--help"),
        ("--config-path", "--config-dir"),
        ("-cp", "--config-dir"),
        ("--config-name", "task=NAME"),
        ("-cn", "task=NAME"),
        ("--shell-completion", "--help"),
        ("--experimental-rerun", "resume"),
    ],
)
@pytest.mark.parametrize("is_plan", [False, True])
def test_an_option_of_hydras_is_answered_with_what_stands_in_for_it(word, instead, is_plan):
    with pytest.raises(UsageError) as caught:
        read("task=x", word, "value", is_plan=is_plan)
    assert word in caught.value.message
    assert instead in str(caught.value.hint)


def test_hydras_own_config_is_not_there():
    with pytest.raises(UsageError, match="--cfg hydra"):
        read("--cfg", "hydra")


def test_plan_and_the_config_are_two_commands():
    with pytest.raises(UsageError, match="--cfg prints the config"):
        read("task=x", "--cfg", "job", is_plan=True)


@pytest.mark.parametrize("word", ["--foo", "--cfgg", "-x"])
def test_an_unknown_option_is_refused(word):
    with pytest.raises(UsageError):
        read(word, "task=x")


@pytest.mark.parametrize("words", [("--log-level", "debug", "task=x"), ("task=x", "--log-level=debug")])
def test_the_log_level_is_no_part_of_the_command_on_record(words):
    options = read(*words)
    assert options.log_level == "debug"
    assert options.words == options.overrides == ("task=x",)
