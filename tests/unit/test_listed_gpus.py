"""A plan counts GPUs by the files in which NVIDIA's driver lists them, and does not call NVML."""

import pytest
from launched_runs import launcher_config

from sweep.errors import ConfigError
from sweep.launch import gpus, slots_of, starts_warm
from sweep.launch.gpus import FixedInventory, ListedInventory, NvmlInventory

INFORMATION = "Model: \t\t NVIDIA H200\nIRQ:   \t\t 180\nGPU UUID: \t {uuid}\nBus Type: \t PCIe\nDevice Minor: \t 0\n"
SLEEPING = "GPU-????????-????-????-????-????????????"


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """A machine whose driver lists nothing, and where NVML must not be asked; call it to list GPUs of these UUIDs."""

    def refuse(self: NvmlInventory) -> None:
        raise AssertionError("NVML was asked")

    def listed(*uuids: str) -> None:
        for number, uuid in enumerate(uuids):
            place = tmp_path / "gpus" / f"0000:{number:02x}:00.0"
            place.mkdir(parents=True)
            (place / "information").write_text(INFORMATION.format(uuid=uuid))

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpus, "DRIVER_FILES", tmp_path / "gpus")
    monkeypatch.setattr(gpus, "WSL_DEVICE", tmp_path / "dxg")
    monkeypatch.setattr(NvmlInventory, "gpus", refuse)
    return listed


def test_gpus_are_listed_in_the_order_of_their_addresses_with_uuid_and_model(driver):
    driver("GPU-1a", "GPU-2b")
    found = ListedInventory().gpus()
    assert [(gpu.index, gpu.uuid) for gpu in found] == [(0, "GPU-1a"), (1, "GPU-2b")]
    assert {gpu.name for gpu in found} == {"NVIDIA H200"}


def test_a_plan_counts_slots_without_nvml(driver):
    driver("GPU-1a", "GPU-2b", SLEEPING)
    assert slots_of(launcher_config(slots="auto", gpus="auto", slots_per_gpu=2)) == 6
    assert slots_of(launcher_config(slots="auto", gpus=[1])) == 1
    assert not starts_warm(launcher_config(gpus="auto"))
    with pytest.raises(ConfigError, match=r"launcher\.gpus"):
        slots_of(launcher_config(gpus=[7]))


def test_without_a_driver_there_is_no_gpu(driver):
    assert ListedInventory().gpus() == ()
    assert starts_warm(launcher_config(gpus="auto"))


def test_nvml_is_asked_under_wsl(tmp_path, driver, monkeypatch):
    (tmp_path / "dxg").touch()
    monkeypatch.setattr(NvmlInventory, "gpus", FixedInventory.of(2).gpus)
    assert len(ListedInventory().gpus()) == 2


def test_nvml_is_asked_for_the_uuid_of_a_gpu_that_sleeps(driver, monkeypatch):
    driver(SLEEPING, SLEEPING)
    monkeypatch.setattr(NvmlInventory, "gpus", FixedInventory.of(2).gpus)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-0000-1")
    assert slots_of(launcher_config(slots="auto", gpus="auto")) == 1
