"""The environment of a run, and how the end of one is read from what it left."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from sweep.domain.states import FailureClass, StopReason, TrialState
from sweep.launch.ending import Exit, ending_of
from sweep.launch.environment import THREAD_VARIABLES, child_environment, python_path
from sweep.launch.fake import write_run
from sweep.rundir import RunDir
from sweep.rundir.result import EXIT_WITHOUT_RESULT

ROOT = Path(__file__).parents[2]


def environment(
    parent: dict[str, str] | None = None, spec: dict[str, Any] | None = None, **changes: Any
) -> dict[str, str]:
    given = {
        "device": "cpu",
        "threads": 2,
        "has_gpus": False,
        "gpu_memory_mb": None,
        **changes,
    }
    return child_environment(parent or {}, spec or {}, **given)


def test_threads_are_limited_for_every_library_and_the_spec_has_its_say() -> None:
    assert {environment()[name] for name in THREAD_VARIABLES} == {"2"}
    assert {environment(spec={"threads": 5})[name] for name in THREAD_VARIABLES} == {"5"}


def test_a_leased_gpu_is_the_only_one_visible() -> None:
    got = environment({"CUDA_VISIBLE_DEVICES": "0,1,GPU-7"}, device="GPU-7", has_gpus=True)
    assert (got["CUDA_VISIBLE_DEVICES"], got["CUDA_DEVICE_ORDER"]) == ("GPU-7", "PCI_BUS_ID")


def test_a_run_on_the_cpu_beside_gpus_sees_none_of_them() -> None:
    assert environment({"CUDA_VISIBLE_DEVICES": "0,1"}, has_gpus=True)["CUDA_VISIBLE_DEVICES"] == ""


def test_where_there_are_no_gpus_the_parents_list_is_left_alone() -> None:
    assert environment({"CUDA_VISIBLE_DEVICES": "0,1"})["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert "CUDA_VISIBLE_DEVICES" not in environment()


def test_a_memory_share_is_enforced_on_a_gpu_only() -> None:
    assert environment(device="0", has_gpus=True, gpu_memory_mb=4096)["FLAGS_gpu_memory_limit_mb"] == "4096"
    assert "FLAGS_gpu_memory_limit_mb" not in environment(gpu_memory_mb=4096)
    assert "FLAGS_gpu_memory_limit_mb" not in environment(device="0", has_gpus=True)


def test_the_specs_variables_have_the_last_word() -> None:
    got = environment({"A": "1"}, {"env": {"A": 2, "PYTHONHASHSEED": "7"}})
    assert (got["A"], got["PYTHONHASHSEED"]) == ("2", "7")


def test_hashes_are_the_same_in_all_runs_unless_the_user_says_otherwise() -> None:
    assert environment()["PYTHONHASHSEED"] == "0"
    assert environment({"PYTHONHASHSEED": "random"})["PYTHONHASHSEED"] == "random"


def test_runs_find_modules_where_the_driver_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "script folder"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(script), *sys.path])
    assert python_path(f"/a{os.pathsep}/b").split(os.pathsep) == [str(script), "/a", "/b", str(tmp_path), str(ROOT)]


@pytest.fixture
def folder(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path)


@pytest.mark.parametrize("gone", [Exit(code=0), Exit(code=-9), Exit(requested=TrialState.CANCELLED), Exit(timeout_s=1)])
def test_a_result_decides_whatever_became_of_the_process_afterwards(folder: RunDir, gone: Exit) -> None:
    write_run(folder, {"loss": [(1, 1.0)]}, stop_reason=StopReason.CONVERGED)
    ended = ending_of(1, folder, gone)
    assert (ended.state, ended.failure, ended.stop_reason) == (TrialState.COMPLETED, None, "converged")


def test_a_crash_is_told_in_the_words_of_the_run(folder: RunDir) -> None:
    write_run(folder, {}, crash="ValueError: boom")
    ended = ending_of(1, folder, Exit(code=1))
    assert (ended.state, ended.failure, ended.message) == (TrialState.FAILED, FailureClass.CRASH, "ValueError: boom")


@pytest.mark.parametrize(
    ("gone", "log", "expected"),
    [
        (Exit(code=0), "", FailureClass.CRASH),
        (Exit(code=3), "", FailureClass.CRASH),
        (Exit(code=EXIT_WITHOUT_RESULT), "OSError: [Errno 28]", FailureClass.INFRA),
        (Exit(code=-signal.SIGKILL), "", FailureClass.KILLED),
        (Exit(code=-signal.SIGSEGV), "", FailureClass.KILLED),
        (Exit(code=-signal.SIGKILL, is_memory_kill=True), "", FailureClass.OOM),
        (Exit(code=-signal.SIGABRT), "terminate called: std::bad_alloc", FailureClass.OOM),
        (Exit(code=1), "Out of memory error on GPU 0.", FailureClass.OOM),
    ],
)
def test_without_a_result_the_exit_and_the_log_tell_the_class(
    folder: RunDir, gone: Exit, log: str, expected: FailureClass
) -> None:
    folder.log.write_text(log)
    ended = ending_of(1, folder, gone)
    assert (ended.state, ended.failure) == (TrialState.FAILED, expected)


def test_without_a_result_the_last_line_of_the_log_is_in_the_message(folder: RunDir) -> None:
    folder.log.write_text("one\ntwo\n\n")
    assert ending_of(1, folder, Exit(code=1)).message.endswith(": two")


def test_without_result_and_exit_code_a_run_is_lost(folder: RunDir) -> None:
    ended = ending_of(1, folder, Exit())
    assert (ended.state, ended.failure) == (TrialState.LOST, FailureClass.LOST)


@pytest.mark.parametrize("code", [None, -15, -9, 1])
def test_a_stop_that_left_no_result_ends_as_asked(folder: RunDir, code: int | None) -> None:
    assert ending_of(1, folder, Exit(code=code, requested=TrialState.CANCELLED)).state is TrialState.CANCELLED


def test_a_corrupt_result_is_the_machines_fault(folder: RunDir) -> None:
    folder.result.write_text("{")
    ended = ending_of(1, folder, Exit(code=0))
    assert (ended.state, ended.failure) == (TrialState.FAILED, FailureClass.INFRA)
    assert "result.json" in ended.message


def test_only_the_end_of_a_long_log_is_read(folder: RunDir) -> None:
    folder.log.write_bytes(b"\xff" * 10**6 + b"\nlast")
    assert folder.log_tail().endswith("\nlast")
    assert len(folder.log_tail()) <= 8192
