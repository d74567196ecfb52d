"""What becomes of a study whose trials, warm parent or terminal die."""

import fcntl
import json
import os
import pty
import signal
import termios
from contextlib import suppress

import psutil
import pytest
from killing import STUDY, Folder, Silent, load, shown_until, wait_until

from sweep.rundir.lock import END_SIGNAL
from sweep.study import results, session
from sweep.study.session import run_study

ONE_FAULT = ("task.fault_seeds=[0]", "task.fault_times=1")
"""It happens to the first attempt of the trials with seed 0; the others are as ever."""


def failures(folder: Folder) -> list[str]:
    return sorted(run[3] for run in folder.runs() if run[3])


def check_same_outcome(folder: Folder, undisturbed: dict) -> None:
    """Check that a study has come to what the undisturbed one has, though its command may have asked for a fault."""
    found = folder.outcome()
    assert found["left"] == []
    assert found["verdicts"] == undisturbed["verdicts"]
    assert found["ranking"] == undisturbed["ranking"]
    assert found["logs"] == undisturbed["logs"]
    assert wanted(found) == wanted(undisturbed)
    assert folder.results() == {0: 1, 1: 1, 2: 1, 3: 1}


def wanted(outcome: dict) -> list[tuple]:
    """Return the trials of a plan; their fingerprints are other ones where the command is another."""
    return [(trial["cell"], trial["seed"]) for trial in outcome["plan"]["trials"]]


def check_others(folder: Folder, undisturbed: dict, *, seed: int = 1) -> None:
    """Check that nothing is left, and that the trials of the seed to which nothing happened are as ever."""
    assert folder.left() == []
    rows = [row for row in folder.verdicts() if row[1] == seed]
    assert rows == [row for row in undisturbed["verdicts"] if row[1] == seed]
    assert len(rows) == 2
    assert {folder.results()[number] for number, _, state, _ in folder.runs() if state == "completed"} == {1}


@pytest.mark.parametrize("fault", ["kill", "segv", "spawn_and_kill", "torn_line"])
def test_a_trial_killed_by_a_signal_is_retried_and_changes_nothing(folder, undisturbed, fault):
    folder.run(*STUDY, f"task.fault={fault}", *ONE_FAULT)
    assert failures(folder) == ["killed", "killed"]
    check_same_outcome(folder, undisturbed)


def test_a_trial_stopped_from_outside_is_run_again_by_the_same_command(folder, undisturbed):
    command = (*STUDY, "task.fault=terminate", *ONE_FAULT)
    orchestrator = folder.run(*command)
    assert sorted(row[2] for row in folder.verdicts()) == ["cancelled", "cancelled", "completed", "completed"]
    assert "edited" not in orchestrator.text
    folder.run(*command)
    check_same_outcome(folder, undisturbed)


def test_a_corrupt_result_is_retried_and_changes_nothing(folder, undisturbed):
    folder.run(*STUDY, "task.fault=corrupt_result", *ONE_FAULT)
    assert failures(folder) == ["infra", "infra"]
    check_same_outcome(folder, undisturbed)


def test_binary_and_overlong_lines_in_the_events_are_skipped(folder, undisturbed):
    folder.run(*STUDY, "task.fault=binary_and_huge_lines")
    assert failures(folder) == []
    check_same_outcome(folder, undisturbed)


def test_a_grandchild_does_not_outlive_its_trial(folder, undisturbed):
    folder.run(*STUDY, "task.fault=spawn")
    assert failures(folder) == []
    grandchildren = [int(path.read_text()) for path in folder.study.glob("trials/*/artifacts/grandchild")]
    assert len(grandchildren) == 4
    assert not any(is_alive(pid) for pid in grandchildren)
    check_same_outcome(folder, undisturbed)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_trial_that_ends_without_a_result_has_crashed_and_is_not_retried(folder, undisturbed):
    orchestrator = folder.run(*STUDY, "task.fault=exit_without_result", "task.fault_seeds=[0]")
    assert failures(folder) == ["crash", "crash"]
    assert len(folder.runs()) == 4
    assert "2 of 4 trials give no evidence about convergence: 2 crash" in orchestrator.text
    check_others(folder, undisturbed)


def test_a_trial_that_dies_each_time_is_reported_and_the_study_ends(folder, undisturbed):
    orchestrator = folder.run(*STUDY, "task.fault=segv", "task.fault_seeds=[0]")
    assert failures(folder) == ["killed"] * 4  # each of the two tried twice
    assert [row[2] for row in folder.verdicts()] == ["failed", "completed", "failed", "completed"]
    assert "2 of 4 trials give no evidence about convergence: 2 killed" in orchestrator.text
    check_others(folder, undisturbed)


def test_an_endless_loop_that_ignores_sigterm_is_timed_out_with_its_curve_kept(folder, undisturbed):
    limits = ("launcher.timeout_s=1.5", "launcher.grace_s=0.2")
    folder.run(*STUDY, "task.fault=hang", "task.fault_at=7", "task.fault_seeds=[0]", *limits)
    assert sorted(row[2] for row in folder.verdicts()) == ["completed", "completed", "timed_out", "timed_out"]
    curves = folder.query(
        "select c.points from metric_chunks c join runs r on c.run_id = r.id where r.failure = 'timeout'"
    )
    assert curves == [(7,), (7,)]
    assert len(folder.runs()) == 4  # never tried again
    check_others(folder, undisturbed)


def test_a_trial_over_its_memory_cap_is_oom_and_retried_alone_once(folder, undisturbed):
    command = (*STUDY, "task.fault=allocate", "task.fault_seeds=[0]", "task.pause_s=0.02", "launcher.memory_mb=600")
    orchestrator = folder.run(*command)
    assert failures(folder) == ["oom"] * 4
    assert [row[2] for row in folder.verdicts()] == ["failed", "completed", "failed", "completed"]
    for trial, attempt, _, failure in folder.runs():
        if failure == "oom" and attempt == 2:
            assert folder.query(ALONGSIDE, trial, attempt) == [(0,)], "it was not alone"
    assert {row[0] for row in folder.query("select message from runs where failure = 'oom'")} == {"MemoryError"}
    assert "2 of 4 trials give no evidence about convergence: 2 oom" in orchestrator.text
    check_others(folder, undisturbed)


ALONGSIDE = """
select count(*) from runs o, runs r join trials t on r.trial_id = t.id
where t.number = ? and r.attempt = ? and o.id != r.id and o.started_at < r.ended_at and o.ended_at > r.started_at
"""


def test_paddles_gpu_memory_error_is_recognised(folder, undisturbed):
    folder.run(*STUDY, "task.fault=paddle_gpu_oom", "task.fault_seeds=[0]")
    assert failures(folder) == ["oom"] * 4
    check_others(folder, undisturbed)


def test_a_killed_warm_parent_loses_no_trial(folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.05", "launcher.start=warm")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) >= 1)
    [parent] = [p for p in psutil.Process(orchestrator.pid).children() if "sweep.worker.warm" in p.cmdline()]
    parent.kill()
    assert orchestrator.wait() == 0, orchestrator.text
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


def test_a_warm_parent_killed_with_its_trials_costs_them_no_attempt(folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.05", "launcher.start=warm", "launcher.retries=0")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) >= 2)
    for process in psutil.Process(orchestrator.pid).children(recursive=True):  # the parent before its children
        process.kill()
    assert orchestrator.wait() == 0, orchestrator.text
    check_same_outcome(folder, undisturbed)
    assert failures(folder) == ["lost", "lost"]


@pytest.mark.parametrize("start", ["warm", "standby", "cold"])
def test_a_study_whose_processes_are_all_killed_at_once_can_be_resumed(folder, undisturbed, start):
    command = (*STUDY, "task.pause_s=0.05", f"launcher.start={start}")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) >= 2)
    for process in [psutil.Process(orchestrator.pid), *psutil.Process(orchestrator.pid).children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # a spare process ends by itself when those before it are gone
            process.kill()
    assert orchestrator.wait() == -signal.SIGKILL
    wait_until(lambda: folder.left() == [])
    folder.run(*command)
    check_same_outcome(folder, undisturbed)


def test_a_terminal_that_hangs_up_does_not_end_the_study(folder, undisturbed):
    own, theirs = pty.openpty()
    process = folder.popen(
        *STUDY, "task.pause_s=0.1", stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(theirs)
    wait_until(lambda: sum(folder.starts().values()) >= 1 or os.read(own, 1000) == b"")
    os.close(own)  # the kernel sends SIGHUP
    assert process.wait(60) == 0
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


def test_a_reader_that_goes_away_does_not_end_the_study(folder, undisturbed):
    process = folder.popen(*STUDY, "task.pause_s=0.05")
    assert process.stdout.readline()  # `| head -1`
    process.stdout.close()
    assert process.wait(60) == 0
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


def test_a_study_runs_without_standard_streams(folder, undisturbed):
    process = folder.popen(
        *STUDY, stdin=None, stdout=None, stderr=None, preexec_fn=lambda: [os.close(stream) for stream in (0, 1, 2)]
    )
    assert process.wait(60) == 0
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


def test_sigterm_stops_the_trials_and_the_same_command_resumes(folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.1")
    hold = folder.path / "hold"
    hold.touch()
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) >= 2)
    os.kill(orchestrator.pid, signal.SIGTERM)
    assert orchestrator.wait() == 130
    assert "resume with: python -m sweep" in orchestrator.text
    assert folder.left() == []
    assert {run[2] for run in folder.runs()} == {"cancelled"}
    hold.unlink()
    folder.run(*command)
    check_same_outcome(folder, undisturbed)


def test_ctrl_c_while_the_first_trials_are_launched_lets_them_finish(folder, undisturbed):
    orchestrator = folder.start(*STUDY, "task.pause_s=0.02")
    wait_until(lambda: (folder.study / "trials" / "0").exists())
    os.kill(orchestrator.pid, signal.SIGINT)
    assert orchestrator.wait() == 130
    assert folder.left() == []
    assert {run[2] for run in folder.runs()} == {"completed"}
    folder.run(*STUDY, "task.pause_s=0.02")
    check_same_outcome(folder, undisturbed)


def test_ctrl_c_while_the_last_trials_run_does_not_count_what_is_left(folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.1", "launcher.slots=4")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) == 4)
    os.kill(orchestrator.pid, signal.SIGINT)
    assert orchestrator.wait() == 130
    assert "interrupted; resume with: python -m sweep" in orchestrator.text
    folder.run(*command)
    check_same_outcome(folder, undisturbed)


def test_ctrl_c_twice_stops_the_trials_and_leaves_the_terminal_as_it_was(folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.1", "launcher.slots=4")
    hold = folder.path / "hold"
    hold.touch()  # trials are still there when both signals have come
    own, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    process = folder.popen(
        *command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    shown = shown_until(own, "4 running")  # the live view is there, and Ctrl-C is handled
    os.write(own, b"\x03")
    shown += shown_until(own, "Ctrl-C again stops them")
    os.write(own, b"\x03")
    shown += shown_until(own, "resume with: python -m sweep")
    assert process.wait(60) == 130
    assert "Traceback" not in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is hidden"
    assert termios.tcgetattr(theirs) == before
    os.close(theirs)
    os.close(own)
    assert {run[2] for run in folder.runs()} == {"cancelled"}
    assert folder.left() == []
    hold.unlink()
    folder.run(*command)
    check_same_outcome(folder, undisturbed)


def test_an_orchestrator_stopped_and_continued_has_missed_nothing(folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.03", "launcher.timeout_s=60")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) == 2)
    os.kill(orchestrator.pid, signal.SIGSTOP)
    wait_until(lambda: sum(folder.results().values()) == 2)
    os.kill(orchestrator.pid, signal.SIGCONT)
    assert orchestrator.wait() == 0, orchestrator.text
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


def test_stop_given_repeatedly_lets_running_trials_finish(folder, undisturbed):
    command = (*STUDY, "task.pause_s=0.1", "launcher.slots=4")
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.starts().values()) == 4)
    for _ in range(2):
        assert "stop once its running trials have finished" in folder.run("stop", "s").text
    assert orchestrator.wait() == 130
    check_same_outcome(folder, undisturbed)
    assert set(folder.starts().values()) == {1}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, END_SIGNAL])
def test_an_interrupt_while_the_reports_are_written_is_obeyed_after_them(here, monkeypatch, undisturbed, signum):
    def leave(*args, **options) -> results.Reported:
        for _ in range(3):
            os.kill(os.getpid(), signum)
        return results.leave_reports(*args, **options)

    monkeypatch.setattr(session, "leave_reports", leave)
    before = signal.signal(signum, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_study(load("task=mini", "+axis=[stuck]", "seeds=2", "study=s", "launcher.slots=2"), progress=Silent())
    finally:
        signal.signal(signum, before)
    check_same_outcome(here, undisturbed)
    assert (here.study / "report.html").exists()
    assert here.query("select status from studies") == [("ended",)]


def test_a_task_that_cannot_be_imported_stops_the_study_with_the_traceback_shown_once(folder):
    (folder.path / "mini.py").write_text("import no_such_module\n\ndef train(cfg, run):\n    pass\n")
    orchestrator = folder.run(*STUDY, "seeds=10", code=1)
    assert orchestrator.text.count("Traceback") == 1
    assert "no_such_module" in orchestrator.text
    assert len(folder.runs()) <= 5  # of 20: three, and what ran beside the third
    assert folder.left() == []


def test_failures_of_one_type_with_different_messages_stop_the_study(folder):
    orchestrator = folder.run(*STUDY, "seeds=10", "task.fault=raise_differently", code=1)
    assert orchestrator.text.count("Traceback") == 1
    assert "ValueError: no good value in" in orchestrator.text
    assert len(folder.runs()) <= 5


def test_text_that_utf8_cannot_encode_fails_only_that_trial(folder):
    folder.run(*STUDY, "task.fault=odd_words", "task.fault_seeds=[0]")
    assert failures(folder) == ["crash", "crash"]
    assert [row[2] for row in folder.verdicts()] == ["failed", "completed", "failed", "completed"]
    [[message]] = folder.query("select distinct message from runs where failure = 'crash'")
    assert message == r"ValueError: no such file: caf\udce9"
    assert r"of/caf\udce9" in [row[0] for row in folder.query("select metric from metric_chunks")]


def test_what_only_the_orchestrator_knows_of_an_ending_is_in_the_run_folder(folder):
    folder.run(*STUDY, "task.fault=segv", "task.fault_seeds=[0]")
    ending = json.loads((folder.trial(0) / "ending.json").read_text())
    assert (ending["state"], ending["failure"], ending["exit_code"]) == ("failed", "killed", -11)
