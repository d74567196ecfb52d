"""What is said early of trials that do not log what they are to be judged by."""

import pytest
from recorded_study import TARGET, end_trial, make_study, make_trial, url_of

from sweep.domain.target import Target
from sweep.domain.verdict import Verdict
from sweep.store import Store
from sweep.study.silence import Silence


@pytest.fixture
def said_of(tmp_path):
    """Return what is said of a study whose trials ended with these verdicts, in their order."""

    def run(*verdicts, metric="val/accuracy", **config):
        target = {**TARGET, "metric": metric}
        said = []
        with Store.open(url_of(tmp_path)) as store:
            study = make_study(store, tmp_path, converge=target, **config)
            silence = Silence(store, study, Target.from_mapping(target), said.append)
            for seed, verdict in enumerate(verdicts):
                trial = make_trial(store, study, seed)
                end_trial(store, trial, verdict)
                silence.take(store.outcome(trial.id))
        return said

    return run


def test_a_metric_that_nobody_logs_is_told_once_after_three_trials(said_of):
    [text] = said_of(*[Verdict.UNDECIDED] * 5)
    assert text.startswith("No trial logged 'val/accuracy'")
    assert "after 3 trials" in text
    assert "The nearest is val/acc: add converge.metric=val/acc" in text


@pytest.mark.parametrize(
    "verdicts", [[Verdict.UNDECIDED] * 2, [Verdict.DIVERGED, *[Verdict.UNDECIDED] * 4]], ids=["too few", "one judged"]
)
def test_nothing_is_said_of_too_few_trials_nor_where_one_could_be_judged(said_of, verdicts):
    assert said_of(*verdicts) == []


def test_nothing_is_said_where_the_metric_is_there(said_of):
    assert said_of(*[Verdict.UNDECIDED] * 4, metric="val/acc") == []


def test_checks_are_not_judged_and_nothing_is_said_of_them(said_of):
    assert said_of(*[Verdict.UNDECIDED] * 4, probe={"name": "data"}) == []
