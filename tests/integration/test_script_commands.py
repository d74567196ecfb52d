"""Studies on scripts by the real commands: the arguments arrive as typed, and the printed commands can be pasted."""

import json
import shlex
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
import paddle
print("argv", json.dumps(sys.argv), flush=True)
net = paddle.nn.Linear(2, 1)
sgd = paddle.optimizer.SGD(0.1, parameters=net.parameters(), weight_decay=0.1)
for _ in range(8):
    loss = (net(paddle.ones([4, 2])) - 1).square().mean()
    loss.backward()
    sgd.step()
    sgd.clear_grad()
"""
ARGS = ["--name", "two words", "", "a=${b}", "it's", "-m"]


def sweep(folder, *words, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "sweep", *words], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def arguments_of(folder, study, trial):
    log = (folder / "results" / study / "trials" / str(trial) / "out.log").read_text()
    return json.loads(next(line for line in log.splitlines() if line.startswith("argv ")).removeprefix("argv "))


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Return a folder with an ended study on a script that is named like a verb."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "plan.py").write_text(SCRIPT)
    sweep(folder, "plan.py", "+axis=[weight_decay]", "seeds=1", "--", *ARGS)
    return folder


def summary(folder, study="plan-weight_decay"):
    return json.loads((folder / "results" / study / "summary.json").read_text())


def test_the_arguments_reach_the_script_as_typed(ran):
    found = summary(ran)
    assert (found["task"], found["study"]) == ("plan", "plan-weight_decay")
    trials = {toggle["toggle"]: toggle["trials"] for toggle in found["toggles"]}
    assert trials == {"weight_decay=off": 1}
    run = next(path.name for path in sorted((ran / "results" / "plan-weight_decay" / "trials").iterdir()))
    argv = arguments_of(ran, "plan-weight_decay", run)
    assert argv[0].endswith("plan.py")
    assert argv[1:] == ARGS


def test_the_recorded_command_is_the_typed_one_and_continues_the_study(ran):
    command = summary(ran)["command"]
    assert command == ["plan.py", "+axis=[weight_decay]", "seeds=1", "--", *ARGS]
    sweep(ran, *command)
    names = [study["name"] for study in json.loads(sweep(ran, "ls", "--json"))]
    assert sorted(names) == ["plan-check-inventory", "plan-weight_decay"]


def test_resume_has_the_arguments(ran):
    (ran / "results" / "plan-weight_decay" / "summary.json").unlink()
    sweep(ran, "resume", "plan-weight_decay")
    assert summary(ran)["command"][-len(ARGS) :] == ARGS


def test_a_printed_command_can_be_pasted(ran):
    decide = next(line for line in sweep(ran, "rank").splitlines() if "python -m sweep plan.py" in line)
    words = shlex.split(decide)
    assert words[-len(ARGS) - 1 :] == ["--", *ARGS]
    assert words[3] == "plan.py"
    assert "seeds=" in decide.partition(" -- ")[0]


def test_other_arguments_are_another_study(ran):
    text = sweep(ran, "plan", "plan.py", "+axis=[weight_decay]", "seeds=1", "--", "--name", "other")
    assert text.splitlines()[0] == "study plan-weight_decay-args=--name_other"
