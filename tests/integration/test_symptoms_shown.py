"""A real, watched study tells what was seen in its base, wherever it is read, by the thresholds of its config."""

import json

import pytest

from sweep.cli.main import main


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The healthy digits MLP with a learning rate 1e5 times too low."""
    folder = tmp_path_factory.mktemp("told")
    words = ["task=digits_mlp", "task.lr_scale=1e-5", "converge.budget_steps=60", "seeds=1", "launcher.gpus=[]"]
    assert main([*words, "study=slow", f"results={folder}"]) == 0
    assert main([*words, "study=lenient", f"results={folder}", "reuse=false", "symptoms.ratio_low=-20"]) == 0
    return folder


def store(folder):
    return ["--store", f"sqlite:///{folder / 'sweep.db'}"]


def symptoms(folder, name):
    return json.loads((folder / name / "summary.json").read_text())["base"]["symptoms"]


def test_the_summary_names_causes_and_toggles(study):
    seen = {symptom["rule"]: symptom for symptom in symptoms(study, "slow")}
    found = seen["update_ratio"]
    assert found["value"] < found["threshold"] == -4
    assert (found["title"], found["layer"]) == ("Updates are too large or too small for the weights", "")
    assert "lr=x10" in found["tests"]
    assert "learning rate" in found["causes"]


def test_the_configs_thresholds_are_what_the_rules_compare_with(study):
    assert "update_ratio" not in {symptom["rule"] for symptom in symptoms(study, "lenient")}


def test_show_status_and_both_reports_describe_it(study, capsys):
    title = symptoms(study, "slow")[0]["title"]
    assert main(["status", "slow", *store(study)]) == 0
    assert title in " ".join(capsys.readouterr().out.split())
    assert main(["show", "0", "--study", "slow", *store(study)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert title in shown
    assert "usual causes" in shown
    for name in ("report.md", "report.html"):
        assert title in (study / "slow" / name).read_text()
