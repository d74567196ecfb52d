import re
from pathlib import Path

from omegaconf import OmegaConf

from sweep.domain.target import Mode, Target, TargetTracker
from sweep.seeds import stream_seed
from sweep.task import TaskConfig

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "tasks.md").read_text()


def block(language: str, name: str) -> str:
    (found,) = re.findall(rf"```{language}\n(# {re.escape(name)}\n.*?)```", DOCS, re.DOTALL)
    return found


class JudgedRun:
    seed = 0

    def __init__(self, target):
        self.tracker, self.steps = TargetTracker(target), []

    def stream(self, name):
        return stream_seed(self.seed, name)

    def log(self, step, **metrics):
        self.steps.append(step)
        self.tracker.update(step, metrics)


def test_the_task_of_your_own_in_the_docs_trains_to_its_target_once_dropout_is_off():
    config = OmegaConf.to_container(OmegaConf.create(block("yaml", "my_conf/task/mine.yaml")), resolve=True)
    namespace: dict = {}
    exec(compile(block("python", "mine.py"), "mine.py", "exec"), namespace)
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
        assert run.steps == list(range(1, wanted["budget_steps"] + 1))
        taus.append(run.tracker.state().tau)
    assert taus[0] is None
    assert taus[1] is not None
