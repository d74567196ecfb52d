"""What each check showed is a value, and summary.json says it with the keys that it has had."""

import json
from pathlib import Path

import pytest

from sweep.domain.check import REPORTS
from sweep.domain.jsonform import from_json, to_json
from sweep.domain.lr_range import RateRange, Refusal

RECORDED = Path(__file__).parents[1] / "data" / "recorded" / "summaries"
SECTIONS = [
    pytest.param(stage["stage"], stage["section"], id=f"{file.stem}-{stage['stage']}")
    for file in sorted(RECORDED.glob("**/*.json"))
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
