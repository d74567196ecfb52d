"""What is said early of trials that do not log what they are to be judged by."""

import pytest
from recorded_study import TARGET, end_trial, make_study, make_trial, url_of

from sweep.domain.metric import Series
from sweep.domain.target import Target
from sweep.domain.verdict import Verdict
from sweep.store import Store
from sweep.study.missing_metric import MetricWarning


@pytest.fixture
def said_of(tmp_path):
    """Return what is said of a study whose trials ended with these verdicts, in their order."""

    def run(*verdicts, metric="val/accuracy", **config):
        target = {**TARGET, "metric": metric}
        said = []
        with Store.open(url_of(tmp_path)) as store:
            study = make_study(store, tmp_path, converge=target, **config)
            silence = MetricWarning(store, study, Target.from_mapping(target), said.append)
            for seed, verdict in enumerate(verdicts):
                trial = make_trial(store, study, seed)
                end_trial(store, trial, verdict)
                silence.take(store.outcome(trial.id), None)
        return said

    return run


def test_a_metric_that_no_trial_logs_is_reported_once_after_three_trials(said_of):
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


@pytest.fixture
def said_of_evaluations(tmp_path):
    """Return what is said after a first trial with this number of evaluations, and after two more of the same."""

    def run(evaluations, verdict=Verdict.NOT_CONVERGED, **changes):
        target = {**TARGET, **changes}
        said = []
        with Store.open(url_of(tmp_path)) as store:
            study = make_study(store, tmp_path, converge=target)
            silence = MetricWarning(store, study, Target.from_mapping(target), said.append)
            for seed in range(3):
                trial = make_trial(store, study, seed)
                end_trial(store, trial, verdict)
                points = Series.of([(10 * at, 0.5) for at in range(evaluations)])
                silence.take(store.outcome(trial.id), {"val/acc": points})
        return said

    return run


@pytest.mark.parametrize(("evaluations", "hold"), [(3, 5), (2, None), (1, 3)])
def test_a_hold_that_the_evaluations_cannot_fill_is_said_once_after_the_first_trial(
    said_of_evaluations, evaluations, hold
):
    [text] = said_of_evaluations(evaluations, hold=hold)
    assert f"converge.hold={evaluations}" in text


@pytest.mark.parametrize(
    ("evaluations", "verdict"), [(3, Verdict.NOT_CONVERGED), (2, Verdict.DIVERGED), (2, Verdict.CONVERGED)]
)
def test_enough_evaluations_or_a_run_that_ended_early_are_nothing_to_say(said_of_evaluations, evaluations, verdict):
    assert said_of_evaluations(evaluations, verdict, hold=3) == []
