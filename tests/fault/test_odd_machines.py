"""Bad GPUs, clocks that jump, pids that come round again, folders with odd names."""

import os
import signal
import subprocess
from collections import Counter
from datetime import datetime, timedelta, timezone

import psutil
import pytest
from killing import STUDY, Folder, Silent, load, new_folder, wait_until
from test_trials_killed import check_same_outcome

from sweep import clock
from sweep.launch import LocalLauncher
from sweep.launch.gpus import FixedInventory
from sweep.study.session import run_study


class Messages(Silent):
    """What stands on the screen."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def message(self, text: str) -> None:
        self.texts.append(text)


def test_a_gpu_on_which_trials_fail_in_a_row_is_quarantined_and_the_others_continue(here, monkeypatch):
    made = []

    def build(config, **options):
        made.append(LocalLauncher(config, inventory=FixedInventory.of(3), **options))
        return made[0]

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    config = ("task=mini", "+axis=[stuck]", "seeds=8", "study=s", "task.fault=bad_gpu", "launcher.start=cold")
    screen = Messages()
    end = run_study(load(*config, "launcher.gpus=auto", "launcher.slots=auto"), progress=screen, make_launcher=build)
    assert end.status == "ended"
    assert made[0].quarantined == {"1"}
    assert end.reported.document.provenance["gpus"] == ["0", "1", "2"]  # by their models, where the driver knows them
    [said] = [text for text in screen.texts if "gets no more trials" in text]
    assert said.startswith("GPU 1 gets no more trials: 3 in a row have failed on it, the last one of crash (")
    ended = Counter(here.query("select device, state from runs"))
    assert ended["1", "failed"] == 3
    assert ended["0", "completed"] + ended["2", "completed"] == 13
    assert set(ended) == {("1", "failed"), ("0", "completed"), ("2", "completed")}


def test_a_clock_that_jumps_back_changes_no_duration_and_no_verdict(here, undisturbed, monkeypatch):
    start = datetime.now(timezone.utc)
    calls = [0]

    class Jumping(datetime):
        @classmethod
        def now(cls, tz=None):
            calls[0] += 1
            real = datetime.now(tz)
            return real - timedelta(days=1) if calls[0] > 8 else real

    monkeypatch.setattr(clock, "datetime", Jumping)
    command = ("task=mini", "+axis=[stuck]", "seeds=2", "study=s", "launcher.slots=2", "task.pause_s=0.02")
    end = run_study(load(*command, "launcher.timeout_s=60"), progress=Silent())
    assert end.status == "ended"
    assert calls[0] > 8
    dates = {datetime.fromisoformat(row[0]) < start for row in here.query("select at from events")}
    assert True in dates, "the clock has not jumped"
    assert end.reported.cost.wall_s > 0
    check_same_outcome(here, undisturbed)


def test_a_clock_set_back_between_two_sessions_does_not_hide_a_running_trial(folder, undisturbed):
    # What psutil then says of a process's start is off by as much as the clock was set.
    command = (*STUDY, "task.pause_s=0.15")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) == 2)
    wait_until(lambda: folder.query("select count(*) from runs where pid is not null") == [(2,)])
    kill(orchestrator)
    change(folder, "update runs set handle = host || ':' || pid || ':' || (pid_started_at + 86400)")
    folder.run(*command)
    assert set(folder.starts().values()) == {1}
    check_same_outcome(folder, undisturbed)


def test_a_reused_pid_is_neither_adopted_nor_killed(folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.15")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) == 2)
    wait_until(lambda: folder.query("select count(*) from runs where pid is not null") == [(2,)])
    pids = [row[0] for row in folder.query("select pid from runs")]
    kill(orchestrator)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: folder.left() == [])
    innocent = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        change(folder, f"update runs set handle = host || ':{innocent.pid}:' || (pid_started_at - 60)")
        folder.run(*command)
        assert innocent.poll() is None
        assert psutil.Process(innocent.pid).status() != psutil.STATUS_ZOMBIE
        check_same_outcome(folder, undisturbed)
    finally:
        innocent.kill()
        innocent.wait()


def test_a_trial_that_is_live_on_another_host_is_not_started_again(folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.15")
    (folder.path / "hold").touch()
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) == 2)
    wait_until(lambda: folder.query("select count(*) from runs where handle is not null") == [(2,)])
    kill(orchestrator)
    change(folder, "update runs set handle = 'gpu-7:' || pid || ':' || pid_started_at")
    refused = folder.run(*command, code=1)
    assert "gpu-7" in refused.text
    assert "trial 0" in refused.text
    (folder.path / "hold").unlink()
    wait_until(lambda: folder.left() == [])
    folder.run(*command)
    assert set(folder.starts().values()) == {1}
    check_same_outcome(folder, undisturbed)


@pytest.mark.parametrize(
    "name", ['it\'s a "study" of $HOME; é ü 实验', "  spaced  ", "100%25 #1?&", os.fsdecode(b"caf\xe9")]
)
def test_a_folder_with_an_odd_name_works_like_any_other(tmp_path, zygote, undisturbed, name):
    with new_folder(tmp_path / name, zygote) as folder:
        command = (*STUDY, "task.pause_s=0.03")
        orchestrator = folder.start(*command)
        wait_until(lambda: sum(folder.starts().values()) >= 2)
        kill(orchestrator)
        folder.run(*command)
        assert set(folder.starts().values()) == {1}
        check_same_outcome(folder, undisturbed)


def kill(orchestrator) -> None:
    os.kill(orchestrator.pid, signal.SIGKILL)
    assert orchestrator.wait() == -signal.SIGKILL


def change(folder: Folder, sql: str) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(folder.path / "results" / "sweep.db")) as db, db:
        db.execute(sql)
