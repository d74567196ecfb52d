import json
import os
import threading
import time

import pytest
from recorded_study import SUMMARY, end_trial, make_study, make_trial, record_study, url_of

from sweep.cli import watching
from sweep.cli.main import main
from sweep.rundir import StudyDir, StudyLock
from sweep.store import Store

FAST = ("--interval", "0.1")


@pytest.fixture
def url(tmp_path):
    return record_study(tmp_path)


def watch(url, *more):
    return main(["status", "s", "--watch", *FAST, "--store", url, *more])


def in_background(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def wait_for(text, capsys, seen):
    deadline = time.monotonic() + 20
    while text not in seen[0]:
        assert time.monotonic() < deadline, seen[0]
        seen[0] += capsys.readouterr().out
        threading.Event().wait(0.02)


def end(url, status="ended"):
    with Store.open(url) as store:
        study = store.study("s")
        store.save_summary(study.id, SUMMARY)
        store.update_study(study.id, status=status, ended=True)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("ended", "s ended. <b>dropout=off</b> restores it"),
        (
            "interrupted",
            "s was interrupted with 1 trial still to run; `python -m sweep resume s --store URL` resumes it",
        ),
        ("failed", "s could not be completed"),
    ],
)
def test_a_study_that_is_over_is_shown_at_once_with_exit_code_0(url, capsys, status, words):
    end(url, status)
    assert watch(url) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first == f"s: {status}, 3 of 4 trials ended (1 converged, 1 diverged, 1 undecided)"
    assert words.replace("URL", url) in last


def test_status_of_an_interrupted_study_says_how_to_resume(url, capsys):
    end(url, "interrupted")
    assert main(["status", "s", "--store", url]) == 0
    assert f"1 trial still to run; `python -m sweep resume s --store {url}` resumes it" in capsys.readouterr().out


def test_status_of_an_interrupted_study_in_the_store_that_is_read_anyhow_does_not_name_it(url, capsys, monkeypatch):
    end(url, "interrupted")
    monkeypatch.setenv("SWEEP_STORE", url)
    assert main(["status", "s"]) == 0
    assert "`python -m sweep resume s` resumes it" in capsys.readouterr().out


def test_each_change_is_one_line_until_the_study_ends(url, capsys):
    def work():
        wait_for("3 of 4 trials ended", capsys, seen)
        with Store.open(url) as store:
            end_trial(store, store.trial(store.study("s").id, 3), tau=20)
        wait_for("4 of 4 trials ended", capsys, seen)
        end(url)

    seen = [""]
    thread = in_background(work)
    assert watch(url) == 0
    thread.join()
    lines = (seen[0] + capsys.readouterr().out).splitlines()
    assert [line.partition(" trials")[0] for line in lines] == [
        "s: running, 3 of 4", "s: running, 4 of 4", "s: ended, 4 of 4", "s ended. <b>dropout=off</b> restores it"
    ]  # fmt: skip


def test_json_is_one_object_for_each_change(url, capsys):
    end(url)
    assert watch(url, "--json") == 0
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["states"] == {"completed": 2, "failed": 1, "pending": 1}


def test_a_store_and_a_study_that_appear_later_are_waited_for_with_a_message(tmp_path, capsys):
    url = url_of(tmp_path)

    def work():
        wait_for("there is no store", capsys, seen)
        with Store.open(url):
            pass
        wait_for("there is no study 's'", capsys, seen)
        record_study(tmp_path)
        end(url)

    seen = [""]
    thread = in_background(work)
    assert watch(url) == 0
    thread.join()
    seen[0] += capsys.readouterr().out
    assert f"there is no store at {tmp_path / 'sweep.db'}; waiting for it" in seen[0]
    assert "s ended." in seen[0]


def test_a_study_that_the_store_does_not_have_is_an_error_with_the_nearest_name(url, capsys):
    assert main(["status", "ss", "--watch", *FAST, "--store", url]) == 2
    assert "did you mean 's'" in capsys.readouterr().err


def test_an_orchestrator_that_is_gone_ends_the_watch_though_no_file_changes(url, tmp_path, capsys):
    lock = StudyLock(StudyDir(tmp_path / "results", "s").lock)
    lock.acquire()

    def work():
        wait_for("s: running", capsys, seen)
        lock.release()  # as a killed process does

    seen = [""]
    thread = in_background(work)
    assert watch(url) == 0
    thread.join()
    assert "s was interrupted" in seen[0] + capsys.readouterr().out


def test_a_study_that_has_ended_but_still_writes_its_reports_is_waited_for(url, tmp_path, capsys):
    lock = StudyLock(StudyDir(tmp_path / "results", "s").lock)
    lock.acquire()
    with Store.open(url) as store:
        store.update_study(store.study("s").id, status="ended", ended=True)

    def work():
        wait_for("s: ended", capsys, seen)
        end(url)  # the summary is there now
        lock.release()

    seen = [""]
    thread = in_background(work)
    assert watch(url) == 0
    thread.join()
    assert "dropout=off</b> restores it" in seen[0] + capsys.readouterr().out


def test_ctrl_c_ends_it_quietly_with_130(url, capsys, monkeypatch):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(watching.time, "sleep", interrupt)
    assert watch(url) == 130
    assert capsys.readouterr().err == ""


def test_a_store_that_stands_still_is_not_read(url, monkeypatch):
    reads = []
    opened = Store.open
    monkeypatch.setattr(watching.Store, "open", lambda *args, **kw: reads.append(1) or opened(*args, **kw))
    looks = iter(range(20))

    def look_again(seconds):
        if next(looks, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(watching.time, "sleep", look_again)
    assert watch(url) == 130
    assert len(reads) == 1


def test_a_terminal_gets_the_status_and_how_it_ended(url, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    end(url)
    assert watch(url) == 0
    text = capsys.readouterr().out
    assert "2 completed, 1 failed, 1 pending" in text
    assert "restores it" in text


@pytest.mark.parametrize("wrong", [("--watch", "--interval", "0"), ("--interval", "1"), ("--watch", "--interval", "x")])
def test_an_interval_that_means_nothing_is_refused(url, capsys, wrong):
    assert main(["status", "s", *wrong, "--store", url]) == 2
    assert "--interval" in capsys.readouterr().err


def test_a_running_trial_says_how_far_it_has_come(tmp_path, capsys):
    with Store.open(url_of(tmp_path)) as store:
        study = make_study(store, tmp_path)
        run = store.begin_run(make_trial(store, study).id, "trials/0")
        store.run_started(run.id, pid=os.getpid(), pid_started_at=1.0, host="h", device="cpu")
        store.mark_running(run.id)
        from sweep.domain.metric import Series

        store.ingest(run.id, from_byte=0, to_byte=9, points={"val/acc": Series.of([(10, 0.25), (20, 0.5)])})
    assert main(["status", "--store", url_of(tmp_path)]) == 0
    assert "step 20, val/acc 0.5" in capsys.readouterr().out
