"""A study on a script is planned by the inventory of its first run, which stands for the first trial of the base."""

import json
from pathlib import Path

import pytest

from sweep.cli.main import main
from sweep.domain.states import TrialState
from sweep.store import Store

TRAIN = """
import numpy as np, paddle, paddle.nn as nn
rng = np.random.RandomState(0)
x = rng.randn(64, 4).astype("float32")
y = (x[:, :1] > 0).astype("float32")
net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.99), nn.Linear(8, 1))
optimizer = paddle.optimizer.SGD(0.3, parameters=net.parameters())
for epoch in range(8):
    for at in range(0, 64, 16):
        loss = nn.functional.mse_loss(net(paddle.to_tensor(x[at : at + 16])), paddle.to_tensor(y[at : at + 16]))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("scripts")


@pytest.fixture(autouse=True)
def there(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "train.py").write_text(TRAIN)


def summary(name):
    return json.loads(Path(f"results/{name}/summary.json").read_text())


def runs(name):
    with Store.open("sqlite:///results/sweep.db", read_only=True) as store:
        return store.outcomes(store.study(name).id)


STUDY = ["train.py", "+axis=[dropout,clip,weight_decay]", "driver.design=one_at_a_time", "seeds=2", "launcher.slots=2"]


@pytest.fixture(scope="module")
def study(folder):
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        (folder / "train.py").write_text(TRAIN)
        assert main([*STUDY, "study=first"]) == 0
    return "first"


def test_the_first_run_is_the_inventory_and_stands_for_a_trial_of_the_base(study):
    [made] = runs("train-check-inventory")
    assert (made.state, made.steps) == (TrialState.COMPLETED, 32)
    bases = [outcome for outcome in runs(study) if outcome.cell.is_base]
    assert [outcome.reused for outcome in bases] == [True, False]
    assert bases[0].verdict == bases[1].verdict


def test_the_budget_is_the_programs_own_length_and_what_is_not_there_is_inert(study):
    found = summary(study)
    assert found["target"]["budget_steps"] == 32
    inert = {toggle["toggle"] for toggle in found["toggles"] if toggle["status"] == "inert"}
    assert inert == {"clip=off", "weight_decay=off"}
    assert {outcome.cell.key for outcome in runs(study)} == {"base", "dropout=off", "clip=on"}


def test_another_study_uses_the_same_inventory(study, capsys):
    assert main(["plan", "train.py", "+axis=[dropout]", "seeds=2", "converge.budget_s=100", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert main(["train.py", "+axis=[dropout]", "seeds=2", "converge.budget_steps=20", "study=second"]) == 0
    assert len(planned["trials"]) == 4
    assert len(runs("train-check-inventory")) == 1
    bases = [outcome for outcome in runs("second") if outcome.cell.is_base]
    assert [outcome.reused for outcome in bases] == [True, False]


def test_a_plan_without_an_inventory_runs_nothing_and_says_so(folder, capsys):
    (folder / "other.py").write_text(TRAIN)
    assert main(["plan", "other.py", "+axis=[dropout]"]) == 0
    assert "+check=inventory" in capsys.readouterr().err
    assert not Path("results/other-check-inventory").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["converge.metric=val/accuracy"], "converge.metric"),
        (["converge.budget_epochs=2"], "converge.budget_epochs"),
        (["converge.budget_epochs=2", "converge.budget_s=3"], "converge.budget_s"),
        (["converge.hold=400"], "converge.hold"),
    ],
)
def test_what_the_program_does_not_have_is_refused_before_a_trial(study, words, named, capsys):
    assert main(["train.py", "study=refused", *words]) == 2
    assert capsys.readouterr().err.startswith(f"error: {named}")
    assert not Path("results/refused").exists()


def test_the_answer_names_the_line_and_the_report_suggests_its_change():
    words = ["train.py", "+axis=[dropout]", "converge.metric=step/loss", "converge.target=0.1", "converge.hold=2"]
    assert main([*words, "study=lines"]) == 0
    found = summary("lines")
    line = TRAIN.splitlines().index(next(row for row in TRAIN.splitlines() if "Dropout" in row)) + 1
    assert f"train.py:{line}" in found["answer"]
    [toggle] = found["toggles"]
    assert (toggle["status"], toggle["converged"]) == ("restores", 5)
    assert f"train.py:{line}" in toggle["where"]
    assert "+net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.0), nn.Linear(8, 1))" in found["suggestion"]["diff"]
    assert "nn.Dropout(0.0)" in Path("results/lines/report.html").read_text()
    assert Path("train.py").read_text() == TRAIN


def test_seeds_that_change_nothing_are_said_to_be_one_run(folder):
    weights = "[p.set_value(np.sin(np.arange(p.size)).reshape(p.shape).astype('float32')) for p in net.parameters()]"
    fixed = TRAIN.replace("nn.Dropout(0.99)", "nn.ReLU()").replace("optimizer =", f"{weights}\noptimizer =", 1)
    (folder / "fixed.py").write_text(fixed)
    assert main(["fixed.py", "seeds=3", "study=fixed"]) == 0
    assert "one run" in summary("fixed")["answer"]


def test_a_program_that_never_trains_is_refused(folder, capsys):
    (folder / "idle.py").write_text("print('hello')\n")
    assert main(["idle.py", "study=idle"]) == 2
    assert "task.path" in capsys.readouterr().err


def test_a_program_that_ends_its_process_itself_has_an_inventory(folder):
    (folder / "exits.py").write_text(f"{TRAIN}\nimport os\nos._exit(0)\n")
    assert main(["exits.py", "seeds=1", "study=exits"]) == 0
    assert summary("exits")["target"]["budget_steps"] == 32
    assert [outcome.reused for outcome in runs("exits")] == [True]


def test_a_program_that_fails_is_run_again_and_asks_for_a_budget(folder, capsys):
    failing = TRAIN.replace("    for at", "    if epoch == 2: open('data.txt')\n    for at")
    (folder / "failing.py").write_text(failing)
    assert main(["failing.py", "study=failing"]) == 2
    assert "converge.budget_steps" in capsys.readouterr().err
    (folder / "data.txt").write_text("")  # the code is the same, what it needs is there now
    assert main(["failing.py", "seeds=1", "study=failing"]) == 0
    assert summary("failing")["target"]["budget_steps"] == 32


def test_a_program_that_leaves_by_os_exit_is_planned_by_its_first_run_all_the_same(folder):
    (folder / "leaves.py").write_text(f"{TRAIN}\nimport os\nos._exit(0)\n")
    assert main(["leaves.py", "+axis=[dropout]", "seeds=2", "study=leaves-x"]) == 0
    found = summary("leaves-x")
    assert found["target"]["budget_steps"] == 32


def test_a_program_that_leaves_by_os_exit_with_an_error_has_no_length(folder, capsys):
    (folder / "fails.py").write_text(f"{TRAIN}\nimport os\nos._exit(3)\n")
    assert main(["fails.py", "+axis=[dropout]", "seeds=2"]) == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-2].startswith("error: converge.budget_steps")
    assert "32 steps" in error
