"""The axes beyond `ablation=all` on real tasks: what they restore, and that the diagnosis takes them in."""

import json

import pytest

from sweep.cli.main import main
from sweep.domain.by_hand import BY_HAND

HERE = ["launcher.gpus=[]", "seeds=1", "study=it"]

SATURATED = '''
import numpy as np
import paddle


def train(cfg, run):
    """Two classes, 12 features that are not scaled; the softmax is applied here, and again by the loss."""
    paddle.seed(run.stream("init"))
    network = paddle.nn.Sequential(paddle.nn.Linear(12, 16), paddle.nn.Tanh(), paddle.nn.Linear(16, 2))
    optimizer = paddle.optimizer.SGD(cfg.lr, parameters=network.parameters())
    run.watch(network, optimizer)
    rows = np.random.default_rng(5).standard_normal((256, 12))
    x, y = paddle.to_tensor((rows * 5).astype("float32")), paddle.to_tensor((rows[:, 0] > 0).astype("int64"))
    for step in range(1, cfg.steps + 1):
        scores = network(x)
        if cfg.loss != "single_softmax":
            scores = paddle.nn.functional.softmax(scores)
        loss = paddle.nn.functional.cross_entropy(scores, y)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        run.log(step, **{"train/loss": float(loss)})
'''

CONFIG = """# @package _global_
task: {_target_: saturated.train, lr: 0.5, loss: null, steps: "${converge.budget_steps}"}
converge: {metric: train/loss, mode: min, target: 0.25, budget_steps: 60}
"""


def ran(folder, *words, study="it"):
    assert main([*words, *HERE, f"results={folder}"]) == 0
    return json.loads((folder / study / "summary.json").read_text())


def converged(summary):
    return {toggle["toggle"]: toggle["converged"] for toggle in summary["toggles"]}


def test_standardised_targets_restore_a_regression_in_raw_units(tmp_path):
    found = ran(tmp_path, "task=diabetes", "task.target_norm=null", "+axis=[target_norm]")
    assert (found["base"]["converged"], converged(found)) == (0, {"target_norm=standardize": 1})


def test_the_diagnosis_tries_an_axis_that_the_symptoms_point_to(tmp_path):
    words = ["task=breast_cancer", "task.input_norm=null", "converge.budget_steps=150"]
    found = ran(tmp_path, *words, "+diagnose=full", "stages=[base,ablation]")
    ablation = next(stage["section"] for stage in found["stages"] if stage["stage"] == "ablation")
    assert converged(ablation)["input_norm=standardize"] == 1
    assert ablation["base"]["converged"] == 0


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A task of the user's with a knob for its loss and none for the scale of its inputs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saturated.py").write_text(SATURATED)
    (tmp_path / "conf" / "task").mkdir(parents=True)
    (tmp_path / "conf" / "task" / "saturated.yaml").write_text(CONFIG)
    return ["--config-dir", str(tmp_path / "conf"), "task=saturated"]


def test_an_own_task_is_varied_by_the_knob_it_reads_and_told_what_to_do_by_hand_for_one_it_lacks(tmp_path, own, capsys):
    found = ran(tmp_path / "results", *own, "+axis=[loss]", "~axes.loss.levels.mean")
    assert (found["base"]["converged"], converged(found)) == (0, {"loss=single_softmax": 1})
    seen = {symptom["rule"]: symptom for symptom in found["base"]["symptoms"]}
    assert seen["head_and_loss"]["tests"][0] == "loss=single_softmax"
    assert seen["input_scale"]["tests"] == []
    assert seen["input_scale"]["by_hand"][0] == BY_HAND["input_norm=standardize"]
    capsys.readouterr()
    assert main(["show", "0", "--study", "it", "--store", f"sqlite:///{tmp_path / 'results' / 'sweep.db'}"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert BY_HAND["input_norm=standardize"] in said
    assert "'+axis=[loss]'" in said
    for page in ("report.md", "report.html"):
        assert "scale the inputs in data(cfg)" in (tmp_path / "results" / "it" / page).read_text().replace("\\", "")
