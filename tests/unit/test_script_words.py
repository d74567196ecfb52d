"""`train.py OVERRIDES -- ARGUMENTS` on the command line, as it is recorded, and as it is shown again."""

import shlex
from dataclasses import replace

import pytest
from recorded_study import make_study, url_of

from sweep.cli.act import command_in
from sweep.cli.main import _check_verb_first
from sweep.cli.options import read_options
from sweep.cli.scripts import check_no_program
from sweep.domain.script_words import expanded, folded, is_script, stem_of
from sweep.errors import UsageError
from sweep.report.commands import command_text, fixed_command
from sweep.store import Store


def read(*words, is_plan=False):
    return read_options("python -m sweep", words, is_plan=is_plan)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["train.py"], ["task=script", "task.path=train.py"]),
        (["plan.py", "seeds=2"], ["task=script", "task.path=plan.py", "seeds=2"]),
        (["--config-dir", "my.py", "a/b.py"], ["--config-dir", "my.py", "task=script", "task.path=a/b.py"]),
        (["my train.py"], ["task=script", "task.path='my train.py'"]),
        (["t.py", "x=1", "--", "--lr", "3"], ["task=script", "task.path=t.py", "task.args=['--lr','3']", "x=1"]),
        (["t.py", "--", "", "a b", "k=v"], ["task=script", "task.path=t.py", "task.args=['','a b','k=v']"]),
        (["t.py", "--", "x.py", "--", "plan"], ["task=script", "task.path=t.py", "task.args=['x.py','--','plan']"]),
        (["t.py", "--"], ["task=script", "task.path=t.py"]),
        (["task=mine", "--", "-v"], ["task=mine", "task.args=['-v']"]),
        (["task=digits_mlp", "seeds=2"], ["task=digits_mlp", "seeds=2"]),
    ],
)
def test_a_script_is_short_for_overrides(typed, meant):
    assert expanded(typed) == meant


def test_the_scripts_own_options_are_no_options_of_sweep():
    options = read("train.py", "--cfg", "--", "--cfg", "--log-level", "debug", "-m", "--json")
    assert options.is_cfg
    assert options.overrides[-1] == "task.args=['--cfg','--log-level','debug','-m','--json']"
    assert read("train.py", "--json", "--", "x", is_plan=True).is_json


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--", "--lr", "3"], "train.py -- --lr 3"),
        (["seeds=2", "--"], "--"),
        (["a.py", "b.py"], "a.py -- ARGUMENTS"),
        (["a.py", "task.args=[1]", "--", "2"], "task.args="),
        (["a.py", "task=mine"], "task=mine"),
        (["a.py", "task.path=b.py"], "task.path=b.py"),
        (["a.py", "seeds=2", "--epochs", "3"], "a.py seeds=2 -- --epochs 3"),
        (["--cfg", "train.ipynb"], "jupyter nbconvert --to script train.ipynb"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_type(words, named):
    with pytest.raises(UsageError) as caught:
        read(*words)
    assert named in str(caught.value)


def test_a_verb_behind_the_end_of_sweeps_words_is_the_scripts():
    _check_verb_first(["train.py", "--", "plan", "resume"])
    with pytest.raises(UsageError, match="'plan' comes first"):
        _check_verb_first(["train.py", "plan", "--", "x"])


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("train", "train.py"),
        ("code", "code/run.py"),
        ("note.ipynb", "jupyter nbconvert --to script note.ipynb"),
        ("run.sh", "task=command"),
    ],
)
def test_a_first_word_that_is_a_file_or_folder_is_told_what_to_type(tmp_path, monkeypatch, word, named):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code").mkdir()
    for name in ("train.py", "code/run.py", "run.sh"):
        (tmp_path / name).touch()
    with pytest.raises(UsageError) as caught:
        check_no_program(word, ["seeds=2"])
    assert named in str(caught.value)
    check_no_program("statsu", [])  # a mistyped verb


def test_a_script_is_no_option_and_no_override():
    assert is_script("plan.py")
    assert not any(map(is_script, ["--x.py", "+a.py", "task.path=a.py", "train", "a.pyc"]))


def test_what_is_not_of_our_making_is_shown_as_it_is():
    for words in (["task=script", "seeds=2"], ["task=mine", "task.args=['a']"], ["task=script", "task.path=x.txt"]):
        assert folded(words) == words
    assert folded(["task=script", "task.path=t.py", "task.args=[1,2]"]) == ["t.py", "task.args=[1,2]"]


def test_a_recorded_command_of_a_script_gives_lines_to_paste(tmp_path):
    words = expanded(["train.py", "+axis=[dropout]", "seeds=3", "--", "--data", "my set", ""])
    with Store.open(url_of(tmp_path)) as store:
        study = replace(make_study(store, tmp_path, task="train"), command=tuple(words))
    typed = shlex.split(fixed_command(study, ["task.dropout=0.0"]))
    assert typed[3] == "train.py"
    assert typed[-5:] == ["task.dropout=0.0", "--", "--data", "my set", ""]
    assert expanded(typed[3:])[:3] == words[:3]
    again = command_in(study, url_of(tmp_path))
    assert folded(again)[-4:] == ["--", "--data", "my set", ""]
    assert again[-1] == f"study={study.name}"
    assert command_text(words) == "python -m sweep train.py '+axis=[dropout]' seeds=3 -- --data 'my set' ''"


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("train.py", "train"),
        ("a/b/train-v2.1.py", "train-v2.1"),
        ("my train (1).py", "my_train_1"),
        ("_x.py", "x"),
        ("训练.py", "script"),
        (".py", "script"),
    ],
)
def test_a_study_is_called_after_the_stem(path, stem):
    assert stem_of(path) == stem
