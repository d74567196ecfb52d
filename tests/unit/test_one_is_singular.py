"""What there is one of is said in the singular."""

import io
from dataclasses import replace

import making
import pytest
from recorded_study import SUMMARY, end_trial, make_study, make_trial, url_of
from rich.console import Console

from sweep.cli.baseline import Figures
from sweep.cli.main import main
from sweep.domain.plural import share_text
from sweep.domain.verdict import Verdict
from sweep.reading import open_store
from sweep.report.documents import TargetDocument
from sweep.report.phrases import target_text
from sweep.report.progress import LiveProgress
from sweep.report.provenance_text import provenance_line
from sweep.store import Store


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(1, 1, "1 of 1 trial"), (0, 1, "0 of 1 trial"), (1, 2, "1 of 2 trials")]
)
def test_a_share_is_of_what_there_is(part, whole, text):
    assert share_text(part, whole, "trial") == text


TARGET = TargetDocument(metric="train/loss", mode="min", threshold=0.1)


@pytest.mark.parametrize(("smooth", "hold", "budget"), [(1.0, 1, 1), (20.0, 3, 400)])
def test_a_target_of_one_step_or_evaluation(smooth, hold, budget):
    words = target_text(replace(TARGET, smooth_steps=smooth, hold=hold, budget_steps=budget))
    one = smooth == 1
    assert ("half-life 1 step)" in words, "1 evaluation," in words, "within 1 step" in words) == (one, one, one)
    assert one != ("20 steps" in words and "3 evaluations" in words and "400 steps" in words)


@pytest.mark.parametrize(("total", "text"), [(1, "1/1 trial ended"), (None, "1 trial ended"), (2, "1/2 trials ended")])
def test_progress_counts_one_trial(total, text):
    console = Console(file=io.StringIO(), width=100)
    with LiveProgress(console, clock=lambda: 0.0) as progress:
        progress.start(total)
        progress.trial_ended(making.outcome(verdict=Verdict.STALLED))
    assert text in console.file.getvalue()


def test_figures_come_from_one_seed():
    assert provenance_line({"seeds": [3]}) == "CPU · seed 3"
    assert provenance_line({"seeds": [0, 1, 2]}) == "CPU · seeds 0–2"


def test_figures_of_one_run():
    assert Figures(runs=1, converged=1, median=1, low=1, high=1).words() == "1 run, 1 converged, median 1 step (1 to 1)"


def test_the_notebook_counts_one(tmp_path):
    with Store.open(url_of(tmp_path)) as store:
        end_trial(store, make_trial(store, make_study(store, tmp_path)), tau=10, values=(0.95,))
    with open_store(url_of(tmp_path)) as opened:
        assert repr(opened).endswith(": 1 study>")
        assert repr(opened["s"].curves("val/acc")).endswith(": 1 trial>")
        assert "1 point, last" in repr(opened["s"].trial(0).curve("val/acc"))


def test_status_of_a_study_with_one_trial_left(tmp_path, capsys):
    with Store.open(url_of(tmp_path)) as store:
        study = make_study(store, tmp_path)
        make_trial(store, study)
        store.save_summary(study.id, SUMMARY)
        store.update_study(study.id, status="interrupted", ended=True)
    assert main(["status", "--watch", "--store", url_of(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "0 of 1 trial ended" in said
    assert "with 1 trial still to run" in said
