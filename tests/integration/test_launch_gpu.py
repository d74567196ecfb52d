"""The same launcher on real hardware: deselected where no GPU is visible (tests/conftest.py)."""

import json
import os

import pytest
from launched_runs import STUBS, ends_of, launcher_config, run_request

from sweep.domain.states import FailureClass, TrialState
from sweep.launch import RunEnded
from sweep.launch.gpus import NvmlInventory, visible_devices
from sweep.launch.local import LocalLauncher
from sweep.rundir import RunDir, read_result

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
                launcher.start(
                    run_request(tmp_path / str(number), task, run_id=number, spec=spec, steps=50, beside=count)
                )
            return {end.run_id: end for end in ends_of(launcher, count, limit_s=LIMIT_S)}
        finally:
            launcher.close()

    return run_all


def test_several_trials_share_one_gpu_at_a_time_and_see_only_that_one(start, tmp_path):
    ended = start("gpu_tasks.busy", 3)
    assert {end.state for end in ended.values()} == {TrialState.COMPLETED}, ended
    gpus = NvmlInventory().gpus()
    device = visible_devices(gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))[0]
    names = [gpu.name for gpu in gpus if device == str(gpu.index) or gpu.uuid.startswith(device)]
    for number in ended:
        seen = json.loads((tmp_path / str(number) / "artifacts" / "seen.json").read_text())
        assert seen == {"visible": device, "names": names}


@pytest.mark.parametrize("gpu_memory_mb", [None, 3072])
def test_a_real_out_of_memory_error_is_recognised(start, tmp_path, gpu_memory_mb):
    [end] = start("gpu_tasks.hoard", 1, gpu_memory_mb=gpu_memory_mb).values()
    assert (end.state, end.failure) == (TrialState.FAILED, FailureClass.OOM), end
    result = read_result(RunDir(tmp_path / "0").result)
    assert result["failure"]["class"] == "oom"
    # The cap is Paddle's to hold: another framework does not know of it, and takes what there is.
    if gpu_memory_mb is not None and (tmp_path / "0" / "artifacts" / "framework").read_text() == "paddle":
        assert (result["last_step"] or 0) << 10 <= gpu_memory_mb
