import os
import re
import subprocess
import sys
from pathlib import Path

from omegaconf import OmegaConf
from recorded_run import RecordedRun

from sweep.domain.target import Mode, Target
from sweep.domain.tracker import TargetTracker
from sweep.task import TaskConfig

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "tasks.md").read_text()


def block(language: str, first_line: str) -> str:
    (found,) = re.findall(rf"```{language}\n({re.escape(first_line)}\n.*?)```", DOCS, re.DOTALL)
    return found


MINE_PY = block("python", "# mine.py")
MINE_YAML = block("yaml", "task:")


class JudgedRun(RecordedRun):
    def __init__(self, target):
        super().__init__()
        self.tracker = TargetTracker(target)

    def log(self, step, **metrics):
        super().log(step, **metrics)
        self.tracker.update(step, metrics)


def test_the_task_of_your_own_in_the_docs_trains_to_its_target_once_dropout_is_off():
    config = OmegaConf.to_container(OmegaConf.create(MINE_YAML), resolve=True)
    namespace: dict = {}
    exec(compile(MINE_PY, "mine.py", "exec"), namespace)
    wanted = config["converge"]
    target = Target(
        metric=wanted["metric"],
        mode=Mode(wanted["mode"]),
        threshold=wanted["target"],
        hold=None,
        budget_steps=wanted["budget_steps"],
        stop_early=False,
    )
    taus = []
    for dropout in (config["task"]["dropout"], 0.0):
        run = JudgedRun(target)
        namespace["train"](TaskConfig({**config["task"], "dropout": dropout}), run)
        assert [step for step, _ in run.lines] == list(range(1, wanted["budget_steps"] + 1))
        taus.append(run.tracker.state().tau)
    assert taus[0] is None
    assert taus[1] is not None


def test_the_task_of_your_own_in_the_docs_is_found_as_the_docs_say(tmp_path):
    (tmp_path / "mine.py").write_text(MINE_PY)
    (tmp_path / "my_conf" / "task").mkdir(parents=True)
    (tmp_path / "my_conf" / "task" / "mine.yaml").write_text(MINE_YAML)
    (command,) = re.findall(r"^python -m (sweep --config-dir my_conf task=mine \+axis\S+)", DOCS, re.MULTILINE)
    arguments = ["-m", "sweep", "plan", *command.split()[1:]]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "dropout=off" in done.stdout
