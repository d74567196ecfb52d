"""The same launcher on real hardware: deselected where there is no GPU (tests/conftest.py)."""

import json

import pytest
from launched_runs import STUBS, ends_of, launcher_config, run_request

from sweep.domain.states import FailureClass, TrialState
from sweep.launch import RunEnded
from sweep.launch.gpus import NvmlInventory
from sweep.launch.local import LocalLauncher

pytestmark = pytest.mark.gpu

LIMIT_S = 300.0


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start runs of a GPU task on the first GPU, all at once; return how they ended, by run id."""
    monkeypatch.setenv("PYTHONPATH", str(STUBS))

    def run_all(task: str, count: int, **changes) -> dict[int, RunEnded]:
        given = {"slots": None, "gpus": ("0",), "slots_per_gpu": count}
        launcher = LocalLauncher(launcher_config(**{**given, **changes}))
        try:
            for number in range(count):
                spec = {"run_id": number, "seed": number, "study": "gpu", "trial": number, "cell": "base"}
                launcher.start(run_request(tmp_path / str(number), task, run_id=number, spec=spec, steps=50))
            return {end.run_id: end for end in ends_of(launcher, count, limit_s=LIMIT_S)}
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
