"""The same trial of a Paddle task gives bitwise the same metrics however its process came to be."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweep.config import StudyConfig, load_study_config
from sweep.domain.states import TrialState
from sweep.launch import RunRequest
from sweep.launch.local import LocalLauncher
from sweep.rundir import RunDir, read_events

ROOT = Path(__file__).parents[2]
STUBS = ROOT / "tests" / "stubs"
LIMIT_S = 120.0
BUDGET = 30


@pytest.fixture(autouse=True)
def _python_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STUBS), str(ROOT)]))


def run(
    launcher: LocalLauncher,
    path: Path,
    study: StudyConfig,
    *,
    threads: int = 1,
    state: TrialState = TrialState.COMPLETED,
    **task: Any,
) -> list[Any]:
    """Run one trial and return what it logged, number by number as it is written."""
    folder = RunDir(path)
    folder.renew(attempt=1)
    target = replace(study.target, budget_steps=BUDGET, stop_early=False).to_mapping()
    section = {**study.task, **task}
    folder.write_spec({"schema": 1, "seed": 5, "threads": threads, "task": section, "target": target})
    launcher.start(RunRequest(run_id=1, dir=path))
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        for ended in launcher.poll(1.0):
            assert ended.state is state, (folder.log.read_text(), ended)
            return [(event["s"], event["v"]) for event in read_events(folder.events, 0)[0] if event["e"] == "log"]
    raise AssertionError("it did not end")


def launcher_for(study: StudyConfig, start: str, said: list[str]) -> LocalLauncher:
    settings = {**study.launcher.settings, "start": start, "slots": 1, "gpus": ()}
    return LocalLauncher(replace(study.launcher, settings=settings), say=said.append)


@pytest.mark.parametrize(("task", "threads"), [("digits_mlp", 2), ("digits_cnn", 1)])
def test_metrics_are_bitwise_the_same_under_every_start(tmp_path: Path, task: str, threads: int) -> None:
    study = load_study_config([f"task={task}", "task.dropout=0.3", "task.augmentation=true"]).study
    logged: dict[tuple[str, int], list[Any]] = {}
    said: list[str] = []
    for start in ("cold", "standby", "warm"):
        launcher = launcher_for(study, start, said)
        for n in range(1 if start == "cold" else 2):
            logged[start, n] = run(launcher, tmp_path / f"{start}{n}", study, threads=threads)
        launcher.close()
    assert len(logged["cold", 0]) >= BUDGET // 5
    assert [key for key, values in logged.items() if values != logged["cold", 0]] == []
    assert said == []


def test_what_a_trial_does_to_paddle_is_not_seen_by_the_next(tmp_path: Path) -> None:
    study = load_study_config(["task=digits_mlp", "task.dropout=0.3"]).study
    said: list[str] = []
    launcher = launcher_for(study, "warm", said)
    module = "paddle_state_tasks"
    before = run(launcher, tmp_path / "before", study, _target_=f"{module}.train")
    run(launcher, tmp_path / "spoils", study, _target_=f"{module}.spoils")
    assert run(launcher, tmp_path / "after", study, _target_=f"{module}.train") == before
    launcher.close()
    assert said == []


LOADING = """
import multiprocessing, os, signal
import numpy as np
from paddle.io import DataLoader, Dataset

class Rows(Dataset):
    def __len__(self):
        return 400
    def __getitem__(self, index):
        return np.full(8, index, dtype="float32")

def train(cfg, run):
    loader = DataLoader(Rows(), batch_size=4, num_workers=2, use_shared_memory=True)
    for step, batch in enumerate(loader, start=1):
        if step == 1:
            run.artifact("workers").write_text(" ".join(str(p.pid) for p in multiprocessing.active_children()))
        if step == 5 and cfg.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        run.log(step, loss=float(batch.mean()))
"""


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("start", ["warm", "cold"])
def test_a_data_loader_that_a_trial_ends_in_the_midst_of_leaves_no_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, dies: bool
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    (tmp_path / "loading_task.py").write_text(LOADING)
    said: list[str] = []
    study = load_study_config(["task=digits_mlp"]).study
    launcher = launcher_for(study, start, said)
    state = TrialState.FAILED if dies else TrialState.COMPLETED
    logged = run(launcher, tmp_path / "run", study, state=state, _target_="loading_task.train", dies=dies)
    launcher.close()
    assert len(logged) == (4 if dies else BUDGET)  # of 100 batches
    workers = (tmp_path / "run" / "artifacts" / "workers").read_text().split()
    assert len(workers) == 2
    assert [file.name for pid in workers for file in Path("/dev/shm").glob(f"paddle_{pid}_*")] == []
    assert said == []
