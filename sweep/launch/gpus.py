"""Which GPUs there are, and which of them this study may use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sweep.errors import ConfigError

Answer = TypeVar("Answer")

DRIVER_FILES = Path("/proc/driver/nvidia/gpus")
"""A folder per GPU, named by its PCI address, in which NVIDIA's driver describes it."""
WSL_DEVICE = Path("/dev/dxg")
"""Exists where Windows gives Linux its GPUs: the driver then has no such files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU of this machine. `index` counts in PCI bus order, as CUDA does under CUDA_DEVICE_ORDER=PCI_BUS_ID."""

    index: int
    uuid: str
    name: str


class GpuInventory(Protocol):
    """A source of the machine's GPUs."""

    def gpus(self) -> Sequence[Gpu]:
        """Return all GPUs of the machine by index; none if there is no driver."""
        ...


@dataclass(frozen=True, slots=True)
class FixedInventory:
    """An inventory of GPUs that need not exist: for tests of code that leases devices."""

    known: tuple[Gpu, ...] = ()

    @classmethod
    def of(cls, count: int) -> "FixedInventory":
        """Return an inventory of `count` made-up GPUs."""
        return cls(tuple(Gpu(index=i, uuid=f"GPU-0000-{i}", name="made up") for i in range(count)))

    def gpus(self) -> Sequence[Gpu]:
        """Return the GPUs it was made with."""
        return self.known


class NvmlInventory:
    """The GPUs that NVIDIA's driver reports through NVML. Creates no CUDA context."""

    def gpus(self) -> Sequence[Gpu]:
        """Return all GPUs by index; none if no driver is present or it does not answer."""
        return _ask_nvml(lambda nvml: tuple(_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount())), ())


@dataclass(frozen=True, slots=True)
class ListedInventory:
    """The GPUs that the driver lists in files, for a plan: reading them opens no device, so it wakes no GPU.

    NVML is asked only if the files cannot say: under WSL, and if `has_uuids` asks for UUIDs of GPUs that sleep, which
    the driver shows as question marks.
    """

    has_uuids: bool = False

    def gpus(self) -> Sequence[Gpu]:
        """Return all GPUs by index; none if there is no driver."""
        if not DRIVER_FILES.is_dir():
            return NvmlInventory().gpus() if WSL_DEVICE.exists() else ()
        listed = tuple(_described(file) for file in sorted(DRIVER_FILES.glob("*/information")))
        found = tuple(Gpu(index=i, uuid=uuid, name=name) for i, (uuid, name) in enumerate(listed))
        is_hidden = any("?" in gpu.uuid or not gpu.uuid for gpu in found)
        return NvmlInventory().gpus() if self.has_uuids and is_hidden else found


def _described(file: Path) -> tuple[str, str]:
    """Return UUID and model from a file of lines `GPU UUID:  GPU-1a2b...`, empty if they are not there."""
    lines = (line.partition(":") for line in file.read_text(errors="replace").splitlines())
    values = {key.strip(): value.strip() for key, _, value in lines}
    return values.get("GPU UUID", ""), values.get("Model", "")


def driver_version() -> str:
    """Return the version of NVIDIA's driver, empty if there is none."""
    return _ask_nvml(lambda nvml: str(nvml.nvmlSystemGetDriverVersion()), "")


def _ask_nvml(question: Callable[[Any], Answer], otherwise: Answer) -> Answer:
    """Return what NVIDIA's driver reports, `otherwise` if there is none or it does not answer."""
    import pynvml  # only if GPUs are asked for: it costs what all reading verbs together may

    try:
        pynvml.nvmlInit()
        try:
            return question(pynvml)
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return otherwise


def _gpu(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    return Gpu(index=index, uuid=str(nvml.nvmlDeviceGetUUID(handle)), name=str(nvml.nvmlDeviceGetName(handle)))


def visible_devices(gpus: Sequence[Gpu], parent: str | None) -> tuple[str, ...]:
    """Return the devices that we may hand on, each as CUDA_VISIBLE_DEVICES names it.

    `parent` is our own CUDA_VISIBLE_DEVICES, None if it is not set. As in CUDA, an empty list hides all GPUs and
    the list ends before the first entry that names no GPU. UUIDs (also shortened) and MIG devices stay as they are.
    """
    if not gpus:
        return ()
    if parent is None:
        return tuple(str(gpu.index) for gpu in gpus)
    devices: list[str] = []
    for entry in (part.strip() for part in parent.split(",")):
        if not _names_a_gpu(entry, gpus):
            break
        devices.append(entry)
    # CUDA takes a list that names a device twice for no list at all.
    return tuple(devices) if len(set(devices)) == len(devices) else ()


def _names_a_gpu(entry: str, gpus: Sequence[Gpu]) -> bool:
    if entry.isdigit():
        return any(gpu.index == int(entry) for gpu in gpus)
    if entry.startswith("MIG-"):
        return True
    return entry.startswith("GPU-") and any(gpu.uuid.startswith(entry) for gpu in gpus)


def select_devices(wanted: Sequence[str] | None, visible: Sequence[str], gpus: Sequence[Gpu]) -> tuple[str, ...]:
    """Return the devices of `launcher.gpus`, each as CUDA_VISIBLE_DEVICES names it; None stands for all visible ones.

    A number is the n-th visible one, as CUDA would count here; a UUID is itself. Raises ConfigError if one is not
    visible.
    """
    if wanted is None:
        return tuple(visible)
    names = {str(number): device for number, device in enumerate(visible)}
    for device in visible:
        names[device] = names.get(device, device)
        uuid = next((gpu.uuid for gpu in gpus if device.isdigit() and gpu.index == int(device)), None)
        if uuid is not None:
            names[uuid] = device
    for name in wanted:
        if str(name) not in names:
            raise ConfigError("launcher.gpus", "no such GPU is visible here", value=name, allowed=names)
    return tuple(dict.fromkeys(names[str(name)] for name in wanted))
