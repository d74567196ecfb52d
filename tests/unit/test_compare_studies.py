import json
import re
from dataclasses import replace

import making
import numpy as np
import pytest
from recorded_study import end_trial, make_study, make_trial, url_of

from sweep.analysis.compare_studies import Side, compare_studies, typical_interval
from sweep.cli.main import main
from sweep.domain.axis import Cell
from sweep.domain.recorded_config import RecordedConfig
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Verdict
from sweep.store import Store

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=100, stop_early=True)


def outcome(number, tau, *toggles, seed=None, verdict=None):
    verdict = verdict or (Verdict.STALLED if tau is None else Verdict.CONVERGED)
    seed = number if seed is None else seed
    return making.outcome(number=number, cell=Cell.of(toggles), seed=seed, verdict=verdict, tau=tau)


def side(name, outcomes, **changes):
    config = RecordedConfig({"task": {"_target_": "t", "lr": 0.1}, "results": name})
    made = Side(
        name=name, task="digits", target=TARGET, config=config,
        provenance={"git_sha": name}, outcomes=tuple(outcomes),
        fingerprints={(o.cell.key, o.seed): f"{name}{o.number}" for o in outcomes},
    )  # fmt: skip
    return replace(made, **changes)


def bases(name, taus, **changes):
    return side(name, [outcome(number, tau) for number, tau in enumerate(taus)], **changes)


def test_a_study_that_broke_is_told_by_the_exact_test():
    found = compare_studies(bases("a", [30] * 5), bases("b", [None] * 5))
    [cell] = found.cells
    assert (cell.a.converged, cell.b.converged, cell.gained, cell.lost) == (5, 0, 0, 5)
    assert cell.p_value == pytest.approx(2 / 252)
    assert found.steps.mean == 70
    assert [pair.verdicts for pair in found.differing] == [("converged", "stalled")] * 5


def test_only_seeds_and_cells_that_both_have_are_paired():
    a = side("a", [outcome(0, 30), outcome(1, 30), outcome(2, 30, "clip=on", seed=0)])
    b = side("b", [outcome(0, 40, seed=1), outcome(1, 50, "lr=low", seed=0)])
    found = compare_studies(a, b)
    assert (found.pairs, found.only_a, found.only_b) == (1, 2, 1)
    assert found.steps.mean == 10


def test_a_crash_is_no_evidence():
    a = bases("a", [30, 30])
    b = side("b", [outcome(0, 30), outcome(1, None, verdict=Verdict.UNDECIDED)])
    assert compare_studies(a, b).pairs == 1


def test_a_functions_own_key_path_is_a_setting_and_names_no_program():
    moved = RecordedConfig({"task": {"_target_": "t", "path": "x.py"}})
    found = compare_studies(bases("a", [30, 30]), bases("b", [30, 30], config=moved))
    assert found.obstacles == ()
    assert "task.path" in [key for key, _, _ in found.config]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"config": RecordedConfig({"task": {"_target_": "u"}}), "task": "other"},
            r"tasks differ: digits \(t\) and other \(u\)",
        ),
        ({"config": RecordedConfig({"task": {"path": "x.py"}})}, r"digits \(t\) and digits \(x\.py\)"),
        ({"target": replace(TARGET, threshold=0.8)}, "threshold 0.9 and 0.8"),
        ({"target": replace(TARGET, budget_steps=50)}, "budget_steps 100 and 50"),
        ({"outcomes": ()}, "no cell and seed"),
    ],
)
def test_what_cannot_be_compared_says_why_and_still_shows_what_differs(changes, words):
    found = compare_studies(bases("a", [30] * 5), replace(bases("b", [None] * 5), **changes))
    [obstacle] = found.obstacles
    assert re.search(words, obstacle)
    assert (found.pairs, found.cells, found.p_value, found.steps) == (0, (), None, None)
    assert found.provenance == (("git_sha", "a", "b"),)


def test_one_and_the_same_run_in_both_is_said_to_be_no_evidence():
    a = bases("a", [30, 30])
    found = compare_studies(a, bases("b", [30, 30], fingerprints=a.fingerprints))
    assert found.same_runs == 2
    assert "share one run" in found.notes[0]
    assert (found.p_value, found.steps.p_value, found.differing) == (1.0, None, ())


def test_runs_that_differ_with_no_key_changed_point_at_code_or_data():
    assert "its code or its data" in compare_studies(bases("a", [30]), bases("b", [30])).notes[0]
    changed = bases("b", [30], config=RecordedConfig({"task": {"_target_": "t", "lr": 0.2}}))
    assert compare_studies(bases("a", [30]), changed).notes == ()


def test_differences_name_dotted_keys_and_leave_out_where_files_lie():
    b = bases(
        "b", [30], config=RecordedConfig({"task": {"_target_": "t", "lr": 0.2, "clip": 1.0}, "results": "elsewhere"})
    )
    assert compare_studies(bases("a", [30]), b).config == (("task.lr", 0.1, 0.2), ("task.clip", None, 1.0))


def test_no_interval_is_given_that_so_few_pairs_cannot_have():
    assert typical_interval(np.arange(5.0)) == (None, None)
    assert typical_interval(np.array([1.0, 2, 3, 4, 5, 6])) == (1.0, 6.0)


@pytest.mark.parametrize("count", [6, 9, 20])
def test_an_interval_covers_the_centre_as_often_as_it_says(count):
    draws = np.random.default_rng(count).normal(3.0, 2.0, (300, count))
    covered = sum(low <= 3.0 <= high for low, high in map(typical_interval, draws))
    assert covered >= 0.91 * 300  # 95 % less three standard errors


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("recorded")
    with Store.open(url_of(tmp_path)) as store:
        for name, tau, lr in (("a", 30, 0.1), ("b", None, 0.2)):
            study = make_study(store, tmp_path, name, task=("digits"), converge={**TARGET.to_mapping()})
            for seed in range(6):
                verdict = Verdict.STALLED if tau is None else Verdict.CONVERGED
                end_trial(store, make_trial(store, study, seed), verdict, tau=tau)
            store.update_study(study.id, config={**study.config.raw, "task": {"_target_": "t", "lr": lr}})
        other = make_study(store, tmp_path, "other", converge={**TARGET.to_mapping(), "threshold": 0.5})
        end_trial(store, make_trial(store, other), tau=10)
    return url_of(tmp_path)


def test_the_verb_prints_sentence_cells_verdicts_and_differences(url, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["compare", "a", "b", "--store", url]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Of 6 pairs of trials 0 converged only in b and 6 only in a (exact p = .031)" in text
    assert "b takes 70 more on average (95 %: 70 more to 70 more)" in text
    assert "base 0 converged stalled" in text
    assert "task.lr 0.1 0.2" in text
    assert "provenance: nothing differs" in text


def test_the_verb_prints_strict_json(url, capsys):
    assert main(["compare", "a", "b", "--store", url, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["comparable"] is True
    assert found["cells"][0]["b"]["converged"] == 0
    assert found["config"] == [["task.lr", 0.1, 0.2]]


def test_the_verb_says_in_words_what_cannot_be_compared(url, capsys):
    assert main(["compare", "a", "other", "--store", url]) == 0
    assert "cannot be compared" in capsys.readouterr().out
    assert main(["compare", "a", "bb", "--store", url]) == 2
    assert "did you mean 'b'" in capsys.readouterr().err
    assert main(["compare", "a", "a", "--store", url]) == 2
