"""What each check showed is a value, and summary.json says it with the keys that it has had."""

import json
from pathlib import Path

import pytest

from sweep.analysis.checks.data_labels import agreement_checks
from sweep.domain.checked import REPORTS
from sweep.domain.data_figures import DataFindings, FailedModel, PassedBatch, RefusedBatch
from sweep.domain.json_form import from_json, to_json
from sweep.domain.lr_range import RangeFindings, RateRange, Refusal
from sweep.domain.overfit import OverfitFindings

DATA = Path(__file__).parents[1] / "data"
RECORDED = DATA / "recorded" / "summaries"
SECTIONS = [
    pytest.param(stage["stage"], stage["section"], id=f"{file.stem}-{stage['stage']}")
    for file in sorted([*RECORDED.glob("**/*.json"), *(DATA / "sections").glob("*.json")])
    for stage in json.loads(file.read_text(encoding="utf-8")).get("stages", ())
    if stage["stage"] in REPORTS
]


@pytest.mark.parametrize(("stage", "section"), SECTIONS)
def test_a_recorded_section_is_read_and_written_byte_for_byte(stage, section):
    assert json.dumps(to_json(from_json(REPORTS[stage], section))) == json.dumps(section)


def test_there_is_a_recorded_section_of_every_report():
    assert {param.values[0] for param in SECTIONS} == set(REPORTS)


@pytest.mark.parametrize(
    ("stage", "section"),
    [
        ("data", {"checks": [{"name": "files", "severity": "broken", "found": "none"}]}),
        ("overfit", {"verdict": "learnt", "trials": [{"trial": 0, "seed": 3, "verdict": "learnt"}]}),
        ("lr_range", {"lr_min": 1e-7, "lr_max": 10, "trials": [{"trial": 0, "seed": 0, "refusal": "flat"}]}),
        ("inventory", {"inventory": {"parts": [{"knob": "dropout", "what": "Dropout(p=0.5)"}], "steps": 3}}),
        ("lr_confirm", {"confirmed": True, "rates": [{"factor": None, "lr": None}]}),
    ],
)
def test_a_section_of_a_build_that_had_fewer_keys_is_read(stage, section):
    assert isinstance(from_json(REPORTS[stage], section), REPORTS[stage])


def test_a_loss_that_is_not_finite_comes_back():
    trial = {"trial": 0, "seed": 0, "rates": [1e-7, 1e-6], "losses": [2.0, "NaN"], "smoothed": [2.0]}
    found = from_json(RateRange, {"refusal": "too_few", "lr_min": 1e-7, "lr_max": 10, "trials": [trial]})
    assert found.refusal is Refusal.TOO_FEW
    assert found.trials[0].losses[1] != found.trials[0].losses[1]


FIGURES = {"shape": [3], "dtype": "object", "is_numeric": False}


@pytest.mark.parametrize(
    ("kind", "findings"),
    [
        (DataFindings, {"has_data": False, "has_model": True}),
        (DataFindings, {"has_data": True, "has_model": False, "files": "OSError: gone"}),
        (DataFindings, {"has_data": True, "has_model": False, "files": None, "val": {"type": "list", "unreadable": "x"},
                        "model": None, "ignored": None, "train": {"type": "list", "total": None, "read": 4,
                        "problem": "", "inputs": FIGURES, "labels": {**FIGURES, "kind": "other"}}}),
        (DataFindings, {"has_data": True, "has_model": True, "files": None, "model": {"error": "ValueError: no"}}),
        (OverfitFindings, {"not_checked": "the task has no function data(cfg)"}),
        (OverfitFindings, {"changed": [], "samples": 10, "classes": ["0", "1"], "steps": 30}),
        (RangeFindings, {"steps": 0, "optimizers": 0}),
    ],
)  # fmt: skip
def test_the_findings_of_runs_of_earlier_versions_are_read(kind, findings):
    found = from_json(kind, findings)
    written = to_json(found)
    assert {key: written[key] for key in findings} == findings
    assert from_json(kind, written) == found


def test_neighbours_that_an_earlier_version_measured_say_nothing_of_the_rows():
    near = {"n": 150, "kind": "classes", "agreement": 0.9, "chance": 0.1, "error": 0.02, "shifted": {"1": 0.1}}
    found = from_json(DataFindings, {"has_data": True, "has_model": False, "neighbours": near})
    assert "labels along the rows" not in [check.name for check in agreement_checks(found)]


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ({"batch": [8, 2], "fault": None, "output": [8, 3], "units": 3, "is_finite": True, "labels": None},
         PassedBatch),
        ({"batch": [8, 2], "fault": {"layer": "fc", "type": "Linear", "given": [8, 2], "expects": "", "message": "no"}},
         RefusedBatch),
        ({"error": "ValueError: no"}, FailedModel),
    ],
)  # fmt: skip
def test_what_a_batch_did_in_the_model_is_one_of_three(model, kind):
    found = from_json(DataFindings, {"has_data": True, "has_model": True, "model": model})
    assert isinstance(found.model, kind)
    assert to_json(found.model) == model
