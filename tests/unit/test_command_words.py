"""The section of the config that a word of a command line is about, and the command that runs one fixed setting."""

from dataclasses import replace

import pytest
from recorded_study import make_study, url_of

from sweep.report.commands import fixed_command, key_of, section_of
from sweep.store import Store


@pytest.mark.parametrize(
    ("word", "key", "section"),
    [
        ("task=mine", "task", "task"),
        ("++task.lr=1", "task.lr", "task"),
        ("~axes.x", "axes.x", "axes"),
        ("+axes.lr={levels: {a: [task.lr=1]}}", "axes.lr", "axes"),
        ("+driver/x=1", "driver/x", "driver"),
        ("driver@driver=optuna", "driver@driver", "driver"),
        ("driver.design=pairs", "driver.design", "driver"),
        ("--config-dir", None, None),
        ("conf dir", None, None),
    ],
)
def test_the_section_of_a_word_is_the_same_however_it_is_written(word, key, section):
    assert (key_of(word), section_of(word)) == (key, section)


def test_a_fixed_setting_is_run_without_what_was_varied_and_with_the_task_named(tmp_path):
    words = ["seeds=3", "+driver/x=1", "driver@driver=optuna", "~axes.x", "++task.lr=1", "task.width=8"]
    with Store.open(url_of(tmp_path)) as store:
        study = replace(make_study(store, tmp_path, task="mine"), command=tuple(words))
    command = fixed_command(study, ["task.lr=2"])
    assert [word for word in command.split()[3:] if not word.startswith("store.url")] == [
        "task=mine",
        "seeds=3",
        "task.width=8",
        "task.lr=2",
    ]
    assert fixed_command(study, ["task.lr=2"], seeds=[7]).endswith("task.lr=2 'seeds=[7]'")
