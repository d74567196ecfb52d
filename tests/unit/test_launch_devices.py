"""Which devices a study may use, and who gets which."""

from contextlib import closing
from pathlib import Path

import pytest

from sweep.errors import ConfigError, DeviceBusyError
from sweep.launch.gpus import FixedInventory, select_devices, visible_devices
from sweep.launch.leases import QUARANTINE_AFTER, DeviceLeases
from sweep.launch.machine import MemoryKills, usable_cores

FOUR = FixedInventory.of(4).gpus()


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        (None, ("0", "1", "2", "3")),
        ("", ()),
        ("-1", ()),
        ("2", ("2",)),
        ("3,1", ("3", "1")),
        (" 3 , 1 ", ("3", "1")),
        ("1,9,2", ("1",)),
        ("1,-1,2", ("1",)),
        ("1,1", ()),
        ("GPU-0000-2,0", ("GPU-0000-2", "0")),
        ("GPU-unknown", ()),
        ("MIG-a1b2", ("MIG-a1b2",)),
        ("NoDevFiles", ()),
    ],
)
def test_the_parents_list_is_read_as_cuda_reads_it(parent: str | None, expected: tuple[str, ...]) -> None:
    assert visible_devices(FOUR, parent) == expected


def test_without_a_driver_there_is_no_gpu_whatever_the_list_says() -> None:
    assert visible_devices((), "0,1") == ()


def test_a_number_in_the_config_counts_within_the_parents_list() -> None:
    assert select_devices(("1",), ("3", "GPU-0000-0"), FOUR) == ("GPU-0000-0",)


def test_a_uuid_finds_the_device_that_the_parent_calls_by_number() -> None:
    assert select_devices(("GPU-0000-3",), ("3", "1"), FOUR) == ("3",)


def test_no_choice_means_all_visible_ones_and_an_empty_one_none() -> None:
    assert select_devices(None, ("3", "1"), FOUR) == ("3", "1")
    assert select_devices((), ("3", "1"), FOUR) == ()


def test_a_gpu_that_is_not_visible_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"launcher\.gpus"):
        select_devices(("2",), ("3", "1"), FOUR)


def test_the_least_loaded_device_is_leased() -> None:
    leases = DeviceLeases(("0", "1"), places=2, limit=4)
    assert [leases.take() for _ in range(4)] == ["0", "1", "0", "1"]
    assert leases.free == 0
    leases.give_back("1", has_failed=False)
    assert leases.take() == "1"


def test_the_limit_holds_over_all_devices() -> None:
    leases = DeviceLeases(("0", "1"), places=2, limit=3)
    for _ in range(3):
        leases.take()
    assert leases.free == 0
    with pytest.raises(DeviceBusyError):
        leases.take()


def test_an_exclusive_lease_needs_an_empty_device_and_keeps_others_off() -> None:
    leases = DeviceLeases(("0", "1"), places=2, limit=4)
    leases.take()
    assert leases.take(exclusive=True) == "1"
    assert not leases.can_take(exclusive=True)
    assert leases.free == 1
    assert leases.take() == "0"
    leases.give_back("1", has_failed=False)
    assert leases.free == 2


def fail(leases: DeviceLeases, device: str, times: int) -> None:
    for _ in range(times):
        leases.take_over(device)
        leases.give_back(device, has_failed=True)


def test_a_device_with_failures_in_a_row_is_quarantined_and_the_others_continue() -> None:
    leases = DeviceLeases(("0", "1"), places=1, limit=2)
    fail(leases, "0", QUARANTINE_AFTER)
    assert leases.quarantined == {"0"}
    assert leases.free == 1
    assert leases.take() == "1"


def test_a_success_in_between_keeps_a_device_in_use() -> None:
    leases = DeviceLeases(("0", "1"), places=1, limit=2)
    fail(leases, "0", QUARANTINE_AFTER - 1)
    leases.take_over("0")
    leases.give_back("0", has_failed=False)
    fail(leases, "0", QUARANTINE_AFTER - 1)
    assert leases.quarantined == frozenset()


def test_the_last_device_is_never_quarantined() -> None:
    leases = DeviceLeases(("0", "1"), places=1, limit=2)
    fail(leases, "0", QUARANTINE_AFTER)
    fail(leases, "1", 10 * QUARANTINE_AFTER)
    assert leases.free == 1


def test_an_adopted_lease_counts_even_where_it_is_one_too_many() -> None:
    leases = DeviceLeases(("0",), places=1, limit=1)
    leases.take()
    leases.take_over("0")
    assert leases.free == 0
    leases.give_back("0", has_failed=False)
    assert leases.free == 0
    leases.give_back("0", has_failed=False)
    assert leases.free == 1


def cgroup(root: Path, files: dict[str, str], membership: str) -> tuple[Path, Path]:
    for name, text in files.items():
        path = root / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "self").write_text(membership)
    return root / "cgroup", root / "self"


@pytest.mark.parametrize(
    ("files", "membership"),
    [
        ({"a/cpu.max": "100000 100000\n"}, "0::/a\n"),
        ({"cpu.max": "150000 100000\n"}, "0::/../host\n"),
        ({"cpu/a/cpu.cfs_quota_us": "100000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, "3:cpu,cpuacct:/a\n"),
        ({"cpu.max": "1000 100000\n"}, "0::/\n"),
    ],
)
def test_a_cpu_quota_bounds_the_cores_to_at_least_one(tmp_path: Path, files: dict[str, str], membership: str) -> None:
    assert usable_cores(*cgroup(tmp_path, files, membership)) == 1


def test_without_a_quota_all_cores_of_the_affinity_are_usable(tmp_path: Path) -> None:
    unlimited = usable_cores(*cgroup(tmp_path, {"cpu.max": "max 100000\n"}, "0::/\n"))
    assert unlimited == usable_cores(tmp_path / "none", tmp_path / "none either")


@pytest.mark.parametrize(
    ("name", "membership"), [("a/memory.events", "0::/a\n"), ("memory/a/memory.oom_control", "4:memory:/a\n")]
)
def test_the_kernels_memory_kills_are_counted(tmp_path: Path, name: str, membership: str) -> None:
    where = cgroup(tmp_path, {name: "low 0\noom_kill 3\n"}, membership)
    with closing(MemoryKills(*where)) as kills:
        assert kills.count() == 3
        (where[0] / name).write_text("low 0\noom_kill 5\n")
        assert kills.count() == 5


def test_where_the_kernel_does_not_say_no_memory_kill_is_counted(tmp_path: Path) -> None:
    assert MemoryKills(tmp_path, tmp_path / "none").count() == 0
