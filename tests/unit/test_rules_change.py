"""Verdicts by earlier rules: made again from stored curves, and a run that such a rule had ended is run again.

tests/data/store_v3.db was written by the store of commit 53c3411 (version 3: verdicts without a version of the rules):
study `first` with trial 0 (ended at step 5 as diverged by `amp/loss_scale`, its training loss healthy), trial 1
(converged), trial 2 (its training loss is NaN) and trial 3 (pending); study `second` whose only trial reuses trial 1 of
`first`; one night of regression `nightly` and a baseline of 12 runs.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sweep.cli.main import main
from sweep.clock import now_utc
from sweep.domain.axis import Cell
from sweep.domain.nights import NightRun
from sweep.domain.rules import RULES_VERSION
from sweep.domain.states import TrialState
from sweep.domain.trial import TrialSpec
from sweep.domain.verdict import Verdict
from sweep.judge import SymptomThresholds
from sweep.store import Regressions, Store
from sweep.study.regression.accepting import offer_of_study, offers_again
from sweep.study.regression.gathering import run_again
from sweep.study.rejudging import Rejudge, reuse_finished, usable_trials

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def store(tmp_path):
    file = shutil.copy(DATA / "store_v3.db", tmp_path / "sweep.db")
    with Store.open(f"sqlite:///{file}") as opened:
        yield opened


@pytest.fixture
def rejudge(store):
    target = store.study("first").target
    return Rejudge(store, target, SymptomThresholds())


def trials_of(store, name="first"):
    return store.trials(store.study(name).id, retired=True)


def test_verdicts_on_record_are_of_the_first_rules_until_they_are_made_again(store):
    assert [o.rules_version for o in store.outcomes(store.study("first").id)[:3]] == [1, 1, 1]
    assert [t.judgement.is_current for t in trials_of(store)[:3]] == [False] * 3
    assert store.count_outdated(store.study("first").id) == 3
    assert [o.verdict for o in store.outcomes(store.study("first").id)[:2]] == ["diverged", "converged"]


def test_a_verdict_that_the_present_rules_confirm_is_kept_with_their_version(store, rejudge):
    now = rejudge.again(trials_of(store)[1])
    assert (now.verdict, now.tau, now.rules_version) == (Verdict.CONVERGED, 12, RULES_VERSION)
    assert (rejudge.counts.again, rejudge.counts.changed) == (1, 0)


def test_a_run_that_an_earlier_rule_ended_and_the_present_ones_do_not_is_not_used(store, rejudge):
    kept = usable_trials(store, trials_of(store), rejudge)
    assert [trial.number for trial in kept] == [1, 2, 3]
    assert (rejudge.counts.cut, rejudge.counts.again) == (1, 2)
    assert "1 trial to be run again" in rejudge.counts.words()
    cut, converged, diverged, pending = trials_of(store)
    assert (cut.judgement.verdict, cut.judgement.rules_version) == (Verdict.UNDECIDED, RULES_VERSION)
    assert (converged.judgement.verdict, diverged.judgement.verdict) == (Verdict.CONVERGED, Verdict.DIVERGED)
    assert (pending.state, pending.judgement) == (TrialState.PENDING, None)


def test_what_was_said_once_of_a_study_is_not_said_again(store, rejudge):
    usable_trials(store, trials_of(store), rejudge)
    later = Rejudge(store, store.study("first").target, SymptomThresholds())
    assert [trial.number for trial in usable_trials(store, trials_of(store), later)] == [1, 2, 3]
    assert later.counts.words() == ""


def added(store, seed):
    study = store.create_study(name="third", task="mini", command=[], config={}, provenance={})
    spec = TrialSpec(cell=Cell(), seed=seed, overrides=(), task={}, fingerprint=f"base-{seed}")
    return store.add_trials(study.id, [spec])


@pytest.mark.parametrize(
    ("seed", "verdict"), [(1, Verdict.CONVERGED), (2, Verdict.DIVERGED), (0, None)], ids=["met", "nan", "cut"]
)
def test_another_study_reuses_an_earlier_run_with_the_verdict_of_the_present_rules(store, rejudge, seed, verdict):
    [trial] = added(store, seed)
    reuse_finished(store, [trial], rejudge)
    [found] = trials_of(store, "third")
    if verdict is None:
        assert (found.state, found.judgement, rejudge.counts.cut) == (TrialState.PENDING, None, 1)
    else:
        assert (found.judgement.verdict, found.judgement.rules_version) == (verdict, RULES_VERSION)
    assert trials_of(store)[seed].judgement.rules_version == 1, "the study that has the run keeps its own"


def test_a_run_whose_curves_are_deleted_is_not_used(store, rejudge, monkeypatch):
    monkeypatch.setattr(Store, "series", lambda self, trial_id: {})
    kept = usable_trials(store, trials_of(store), rejudge)
    assert [trial.number for trial in kept] == [3]
    assert (rejudge.counts.lost, rejudge.counts.cut) == (3, 0)


def test_nights_and_baselines_on_record_are_of_the_first_rules(store):
    kept = Regressions(store)
    [night] = kept.task_nights("nightly")
    [baseline] = kept.baselines("nightly")
    assert (night.night.rules_version, baseline.rules_version) == (1, 1)


def test_a_baseline_of_earlier_rules_is_marked(store, tmp_path, capsys):
    words = ["baseline", "show", "--store", f"sqlite:///{tmp_path}/sweep.db"]
    assert main(words) == 0
    [baseline] = Regressions(store).baselines("nightly")
    assert f"{baseline.task} was judged by rules 1" in " ".join(capsys.readouterr().out.split())
    Regressions(store).accept("nightly", [replace(baseline, rules_version=RULES_VERSION)])
    assert main(words) == 0
    assert "judged by rules" not in capsys.readouterr().out


def night_run(number, verdict="converged", tau=99):
    return NightRun(seed=number, tau=tau, budget=40, verdict=verdict, trial=f"first/{number}")


def test_an_accepted_run_is_judged_again_from_its_curves(store):
    assert run_again(store, night_run(1)) == night_run(1, tau=12)
    assert run_again(store, night_run(2)) == night_run(2, "diverged", None)
    assert run_again(store, night_run(0)) is None, "an earlier rule ended it"
    assert run_again(store, NightRun(seed=0, tau=9, budget=40, verdict="converged", trial="gone/0")) is None
    assert run_again(store, night_run(0, "crash", None)) == night_run(0, "crash", None)


def test_an_accepted_run_is_judged_again_if_its_study_recorded_a_threshold_of_a_rule_that_is_gone(store):
    record = store.study("first")
    store.update_study(record.id, config={**record.config.raw, "symptoms": {"slow_gain": 0.01}})
    assert run_again(store, night_run(1)) == night_run(1, tau=12)


def test_a_baseline_is_accepted_again_with_the_runs_that_the_present_rules_can_judge(store):
    kept = Regressions(store)
    [before] = kept.baselines("nightly")
    kept.accept("nightly", [replace(before, runs=tuple(replace(night_run(1), seed=s) for s in range(11)))])
    [offer] = offers_again(store, "nightly", None)
    assert offer.baseline.rules_version == RULES_VERSION
    assert {run.tau for run in offer.baseline.runs} == {12}
    assert offer.baseline.accepted_at > before.accepted_at
    kept.accept("nightly", [offer.baseline])
    [again] = offers_again(store, "nightly", None)
    assert again.baseline is None, "there is nothing to accept again"


def test_a_baseline_whose_runs_are_gone_is_not_accepted_again(store):
    [offer] = offers_again(store, "nightly", "mini")
    assert offer.baseline is None
    assert offer.notes


def test_a_study_with_verdicts_by_earlier_rules_is_no_baseline(store):
    offer = offer_of_study(store, store.study("first"), None)
    assert offer.baseline is None
    assert "resume first" in offer.problem


def test_a_baseline_of_earlier_rules_says_so_when_it_is_compared(store, tmp_path, capsys):
    url = f"sqlite:///{tmp_path}/sweep.db"
    kept = Regressions(store)
    [before] = kept.baselines("nightly")
    kept.accept("nightly", [replace(before, rules_version=RULES_VERSION, accepted_at=now_utc())])
    assert main(["baseline", "diff", "--previous", "--json", "--store", url]) == 0
    [shown] = json.loads(capsys.readouterr().out)
    assert ("rules", "1", str(RULES_VERSION)) in {(d["what"], d["before"], d["now"]) for d in shown["differences"]}
    assert main(["baseline", "diff", "--store", url]) == 0
    assert "nothing else differs" not in capsys.readouterr().out


def placed(store, folder):
    """Have the studies of the frozen store lie in a folder; return the store's URL."""
    for study in store.studies():
        store.update_study(study.id, config={**study.config.raw, "results": str(folder)})
    return f"sqlite:///{folder / 'sweep.db'}"


def test_status_and_ls_mark_verdicts_by_earlier_rules_with_the_command_that_makes_them_again(store, tmp_path, capsys):
    url = placed(store, tmp_path)
    assert main(["status", "first", "--store", url]) == 0
    resume = f"python -m sweep resume first --store {url}"
    shown = " ".join(capsys.readouterr().out.split())
    assert "3 verdicts by earlier rules" in shown
    assert resume in shown
    assert main(["ls", "--store", url]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "verdicts by earlier rules: " in line]
    assert {"first,", "second;"} <= set(line.split()) or {"second,", "first;"} <= set(line.split())
    main(["ls", "--json", "--store", url])
    assert {each["name"]: each["outdated"] for each in json.loads(capsys.readouterr().out)} == {"first": 3, "second": 1}
    main(["status", "second", "--json", "--store", url])
    assert json.loads(capsys.readouterr().out)["outdated"] == 1


def test_ls_is_silent_once_verdicts_are_of_the_present_rules(store, rejudge, tmp_path, capsys):
    for name in ("first", "second"):
        usable_trials(store, trials_of(store, name), rejudge)
    main(["ls", "--store", placed(store, tmp_path)])
    assert "earlier rules" not in capsys.readouterr().out
