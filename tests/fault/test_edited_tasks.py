"""The task is edited while its study runs: no trial runs other code than it was planned with."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
from killing import STUDY, Folder, wait_until
from test_trials_killed import check_same_outcome

from sweep.config import load_study_config
from sweep.domain.axis import BASE
from sweep.errors import TaskEditedError
from sweep.plan import TrialComposer
from sweep.store import Store
from sweep.study.progress import Progress
from sweep.study.session import run_study

COMMAND = (*STUDY, "launcher.slots=1", "task.pause_s=0.05")
OTHER_CODE = "\nraise RuntimeError('other code')\n"


def edit(folder: Folder) -> str:
    """Append to the task what no trial survives; return what it was."""
    task = folder.path / "mini.py"
    before = task.read_text()
    task.write_text(before + OTHER_CODE)
    return before


@pytest.mark.parametrize("start", ["cold", "standby"])
def test_a_task_edited_while_its_study_runs_starts_no_trial_of_other_code(folder, undisturbed, start):
    command = (*COMMAND, f"launcher.start={start}")
    orchestrator = folder.start(*command)
    wait_until(lambda: b'"e":"log"' in events_of(folder, 0))  # it has imported the task
    before = edit(folder)
    assert orchestrator.wait() == 1
    assert orchestrator.text.count("mini.py: edited since the study was planned") == 1
    assert "3 trials still to run" in orchestrator.text
    assert folder.starts() == {0: 1}
    assert {run[2] for run in folder.runs()} == {"completed"}
    (folder.path / "mini.py").write_text(before)
    folder.run(*command)
    assert folder.starts() == {0: 1, 1: 1, 2: 1, 3: 1}
    check_same_outcome(folder, undisturbed)


def events_of(folder: Folder, number: int) -> bytes:
    events = folder.trial(number) / "events.jsonl"
    return events.read_bytes() if events.exists() else b""


def test_a_trial_that_begins_while_its_task_is_edited_gives_no_result(folder, undisturbed):
    command = (*STUDY, "launcher.slots=1", "launcher.start=cold")
    orchestrator = folder.start(*command)
    wait_until(lambda: (folder.trial(0) / "spec.json").exists())
    before = edit(folder)
    assert orchestrator.wait() == 1
    assert {run[3] for run in folder.runs()} <= {"infra", None}, orchestrator.text
    (folder.path / "mini.py").write_text(before)
    folder.run(*command)
    check_same_outcome(folder, undisturbed)


def test_a_task_edited_while_its_study_runs_is_not_imported_again_by_forked_runs(folder, undisturbed):
    orchestrator = folder.start(*COMMAND, "launcher.start=warm")
    wait_until(lambda: sum(folder.results().values()) >= 1)  # the second one is started by then, or about to be
    wait_until(lambda: sum(folder.starts().values()) >= 2)
    edit(folder)
    assert orchestrator.wait() == 0, orchestrator.text
    assert "edited" not in orchestrator.text
    check_same_outcome(folder, undisturbed)


def test_a_warm_parent_that_dies_after_the_task_was_edited_is_not_replaced(folder):
    orchestrator = folder.start(*COMMAND, "launcher.start=warm")
    wait_until(lambda: sum(folder.starts().values()) >= 2)
    edit(folder)
    [parent] = [p for p in children_of(orchestrator.pid) if "sweep.worker.warm" in p.cmdline()]
    parent.kill()
    assert orchestrator.wait() == 1
    assert "mini.py: edited since the study was planned" in orchestrator.text
    assert "other code" not in "".join(log.read_text() for log in folder.study.glob("trials/*/out.log"))
    assert folder.left() == []


def test_a_task_edited_between_the_stages_of_a_study_ends_it(folder):
    command = ("--config-dir", "my_conf", "task=mini", "+axis=[stuck]", "stages=[base,ablation]", "seeds=2", "study=s")
    base = replace(folder, name="s.base")
    orchestrator = folder.start(*command, "task.pause_s=0.05", "launcher.start=warm")
    wait_until(lambda: b'"e":"log"' in events_of(base, 0))
    before = edit(folder)
    assert orchestrator.wait() == 1
    assert "mini.py was edited while it ran" in orchestrator.text
    assert "1 stage still to run" in orchestrator.text
    assert not (folder.place / "s.ablation").exists()
    (folder.path / "mini.py").write_text(before)
    folder.run(*command, "task.pause_s=0.05", "launcher.start=warm")
    assert set(base.starts().values()) == {1}


def test_a_task_edited_before_its_study_starts_gives_no_verdict(folder, monkeypatch):
    monkeypatch.chdir(folder.path)
    loaded = load_study_config([*STUDY[2:], "store.url=sqlite:///early.db"], [Path("my_conf")])
    edit(folder)
    with pytest.raises(TaskEditedError, match=r"mini\.py: edited"):
        run_study(loaded, progress=Mock(spec=Progress))
    with Store.open("sqlite:///early.db") as store:
        assert store.studies() == []
        assert store.find_finished(loaded_fingerprints(loaded)) == {}
    assert not any(folder.path.rglob("spec.json"))


def loaded_fingerprints(loaded) -> list[str]:
    composer = TrialComposer(loaded)
    return [spec.fingerprint for spec in composer.compose(BASE, loaded.study.seeds)]


def children_of(pid: int):
    import psutil

    return psutil.Process(pid).children()
