"""The same launcher on real hardware: deselected where there is no GPU (tests/conftest.py)."""

import json
import time
from pathlib import Path

import pytest

from sweep.config import LauncherConfig
from sweep.domain.states import FailureClass, TrialState
from sweep.launch import RunEnded, RunRequest
from sweep.launch.gpus import NvmlInventory
from sweep.launch.local import LocalLauncher
from sweep.rundir import RunDir

pytestmark = pytest.mark.gpu

STUBS = Path(__file__).parents[1] / "stubs"
LIMIT_S = 300.0
TARGET = {"metric": None, "mode": "min", "threshold": None, "hold": None, "budget_steps": 10**6, "stop_early": False}


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start runs of a GPU task on the first GPU, all at once; return how they ended, by run id."""
    monkeypatch.setenv("PYTHONPATH", str(STUBS))

    def run_all(task: str, count: int, **changes) -> dict[int, RunEnded]:
        given = {"slots": None, "gpus": ("0",), "slots_per_gpu": count, "gpu_memory_mb": None, "timeout_s": None}
        launcher = LocalLauncher(LauncherConfig(name="local", retries=0, grace_s=5.0, **{**given, **changes}))
        try:
            for number in range(count):
                folder = RunDir(tmp_path / str(number))
                folder.renew(attempt=1)
                spec = {
                    "schema": 1,
                    "run_id": number,
                    "seed": number,
                    "target": TARGET,
                    "study": "gpu",
                    "trial": number,
                }
                folder.write_spec({**spec, "cell": "base", "task": {"_target_": task, "steps": 50}})
                launcher.start(RunRequest(run_id=number, dir=folder.path))
            ended: dict[int, RunEnded] = {}
            deadline = time.monotonic() + LIMIT_S
            while len(ended) < count:
                assert time.monotonic() < deadline
                ended |= {end.run_id: end for end in launcher.poll(1.0)}
            return ended
        finally:
            launcher.close()

    return run_all


def test_several_trials_share_one_gpu_and_see_only_that_one(start, tmp_path):
    ended = start("gpu_tasks.busy", 3)
    assert {end.state for end in ended.values()} == {TrialState.COMPLETED}, ended
    first = NvmlInventory().gpus()[0]
    for number in ended:
        visible = (tmp_path / str(number) / "artifacts" / "visible").read_text()
        assert visible in (first.uuid, str(first.index))


def test_a_real_out_of_memory_error_is_recognised(start, tmp_path):
    [end] = start("gpu_tasks.hoard", 1).values()
    assert (end.state, end.failure) == (TrialState.FAILED, FailureClass.OOM), end
    assert json.loads((tmp_path / "0" / "result.json").read_text())["failure"]["class"] == "oom"
