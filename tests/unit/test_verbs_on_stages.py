"""Verbs that are asked about a study made of stages: the trials are those of its stages."""

import json

import pytest
from recorded_study import end_trial, make_study, make_trial, url_of

from sweep.cli.main import main
from sweep.store import Store


@pytest.fixture
def said(tmp_path, capsys):
    """Return what a verb prints about a diagnosis `d` of three stages, of which two have begun, and its exit code."""
    with Store.open(url_of(tmp_path)) as store:
        for name in ("d.base", "d.lr_range", "d.lr_range.confirm"):
            study = make_study(store, tmp_path, name, confirm={"seeds": 3} if name == "d.lr_range" else None)
            end_trial(store, make_trial(store, study), tau=20)
        diagnosis = make_study(store, tmp_path, "d", stages=["base", "lr_range", "ablation"])
        store.update_study(diagnosis.id, status="ended", ended=True)

    def ask(*words):
        code = main([*words, "--store", url_of(tmp_path)])
        found = capsys.readouterr()
        return code, found.out + found.err

    return ask


@pytest.mark.parametrize("words", [("show", "0"), ("logs", "0"), ("export",), ("export", "d", "--visualdl")])
def test_a_trial_of_the_whole_is_answered_with_its_stages(said, words):
    code, text = said(*words)
    assert code == 2
    assert text.startswith("error: d ")
    assert "stages: d.base, d.lr_range, d.lr_range.confirm\n" in text


@pytest.mark.parametrize(("study", "trials"), [("d", 3), ("d.lr_range", 2), ("d.lr_range.confirm", 1), ("d.base", 1)])
def test_ls_counts_the_trials_of_its_stages_and_those_that_confirm_a_range_test(said, study, trials):
    [found] = [each for each in json.loads(said("ls", "--json")[1]) if each["name"] == study]
    assert found["trials"] == {"completed": trials}


def test_a_trial_that_is_not_there_is_answered_with_the_study_meant(said):
    assert "study d.base has no trial 7" in said("show", "7", "--study", "d.base")[1]
