"""What kind a study is: composed, recorded, and as its record says it."""

import pytest
from recorded_study import end_trial, make_study, make_trial

from sweep.domain.check import CheckName
from sweep.domain.kinds import StudyKind, kind_in, kind_of
from sweep.domain.verdict import Verdict
from sweep.report.summary import outcome_word
from sweep.store import Store


@pytest.mark.parametrize("probe", list(CheckName))
def test_each_probe_is_a_kind_whose_trials_are_not_judged(probe):
    kind = kind_of(stages=(), check=probe)
    assert (str(kind), kind.is_check, kind.is_staged, kind.has_verdicts) == (str(probe), True, False, False)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({}, StudyKind.ABLATION),
        ({"stages": [], "probe": None, "confirm": None, "driver": {"name": "grid"}}, StudyKind.ABLATION),
        ({"driver": {"name": "optuna"}}, StudyKind.SEARCH),
        ({"probe": {"name": "data"}}, StudyKind.DATA),
        ({"stages": ["data", "overfit"], "probe": None}, StudyKind.CHECKS),
        ({"stages": ["data", "base", "verify"]}, StudyKind.DIAGNOSIS),
    ],
)
def test_a_record_without_a_kind_tells_it_by_its_config(config, kind):
    assert kind_in(config) is kind


def test_a_study_with_a_new_question_takes_its_kind(tmp_path):
    with Store.open("sqlite://") as store:
        study = make_study(store, tmp_path, probe={"name": "overfit"})
        assert store.study("s").kind is StudyKind.OVERFIT
        store.update_study(study.id, kind=StudyKind.SEARCH)
        assert store.study("s").kind is StudyKind.SEARCH
        store.update_study(study.id, status="ended", ended=True)
        assert store.study("s").kind is StudyKind.SEARCH


def test_a_record_names_its_stages_and_whether_it_is_confirmed(tmp_path):
    with Store.open("sqlite://") as store:
        whole = make_study(store, tmp_path, "whole", stages=["data", "base"])
        rates = make_study(store, tmp_path, "rates", probe={"name": "lr_range"}, confirm={"seeds": 1})
        assert (whole.stages, whole.kind.is_staged, whole.is_confirmed) == (("data", "base"), True, False)
        assert (rates.stages, rates.kind.is_staged, rates.is_confirmed) == ((), False, True)
        assert rates.target.threshold == 0.9


@pytest.mark.parametrize(("probe", "word"), [({"name": "data"}, "done"), (None, "undecided")])
def test_a_trial_that_is_not_judged_is_known_by_its_study_not_by_its_reason(tmp_path, probe, word):
    with Store.open("sqlite://") as store:
        study = make_study(store, tmp_path, probe=probe)
        end_trial(store, make_trial(store, study), Verdict.UNDECIDED, reason="any words")
        make_trial(store, study, 1)
        ended, pending = store.outcomes(study.id)
        assert outcome_word(ended) == word
        assert (ended.is_check, pending.is_check) == (probe is not None, False)
        assert store.outcome(store.trial(study.id, 0).id).is_check is (probe is not None)
