"""The GPUs of a study are on record from its beginning."""

from pathlib import Path

import pytest

from sweep.config import load_study_config
from sweep.domain.kinds import StudyKind
from sweep.errors import ConfigError
from sweep.launch.gpus import FixedInventory, Gpu, NvmlInventory
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study.opening import open_record, plan_record

TASK = "# @package _global_\ntask: {_target_: mine.train, lr: 0.1}\nconverge: {budget_steps: 5}\n"
NAMES = ("NVIDIA H100", "NVIDIA H200")


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Open the record of a study on a machine with these GPUs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "conf" / "task").mkdir(parents=True)
    (tmp_path / "conf" / "task" / "mine.yaml").write_text(TASK)
    (tmp_path / "mine.py").write_text("def train(cfg, run): pass\n")
    machine = tuple(Gpu(index=i, uuid=f"GPU-{i}", name=name) for i, name in enumerate(NAMES))
    monkeypatch.setattr(NvmlInventory, "gpus", FixedInventory(machine).gpus)
    with Store.open("sqlite://") as store:

        def open_one(*overrides):
            loaded = load_study_config(["task=mine", "study=s", *overrides], [Path("conf")])
            return open_record(store, loaded, StudyDir(Path("results"), "s"), StudyKind.ABLATION)

        yield open_one


def test_the_gpus_that_runs_may_be_on_are_on_record_before_the_first_one_begins(opened):
    record = opened()
    assert record.provenance["gpus"] == list(NAMES)
    assert plan_record(record)["provenance"]["gpus"] == list(NAMES)


def test_only_those_that_the_study_may_use(opened):
    assert opened("launcher.gpus=[1]").provenance["gpus"] == ["NVIDIA H200"]
    assert opened("launcher.gpus=[]").provenance["gpus"] == []


def test_a_gpu_that_is_not_there_is_refused_before_anything_is_on_record(opened):
    with pytest.raises(ConfigError, match=r"launcher\.gpus"):
        opened("launcher.gpus=[7]")
