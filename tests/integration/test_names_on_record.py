"""Which study a command takes: what is on record under its automatic name decides, also for two commands at once."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sweep.config import load_study_config
from sweep.domain.kinds import StudyKind
from sweep.errors import StudyLockedError
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study.naming import held, named_on_record
from sweep.study.opening import locked_folder, open_record

TASK = """
def train(cfg, run):
    value = 1.0
    for step in range(1, 21):
        value *= 1.0 - cfg.rate
        run.log(step, loss=value + 0.001 * run.seed)
"""
CONFIG = """# @package _global_
task: {_target_: slowly.train, rate: 0.001, data: set/a.csv}
converge: {metric: loss, mode: min, target: 0.5, hold: 2, budget_steps: 20}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slowly.py").write_text(TASK)
    (tmp_path / "my_conf" / "task").mkdir(parents=True)
    (tmp_path / "my_conf" / "task" / "slowly.yaml").write_text(CONFIG)
    return tmp_path


def loaded(*words: str):
    return load_study_config(["task=slowly", *words], [Path("my_conf")], command=["task=slowly", *words])


def begin(*words: str) -> str:
    """Put a study on record and return the name that it took."""
    with held(loaded(*words)) as study:
        return open_record(study.store, study.loaded, study.folder, StudyKind.ABLATION).name


def name_of(*words: str) -> str:
    return named_on_record(loaded(*words)).loaded.study.name


def test_the_first_config_has_the_plain_name_and_each_resumes_under_its_own(place):
    assert begin() == "slowly-base"
    assert begin("task.rate=0.2") == "slowly-base-rate=0.2"
    assert begin("converge.target=0.4", "task.rate=0.2") == "slowly-base-rate=0.2+target=0.4"
    assert begin("task.rate=0.2", "converge.target=0.4") == "slowly-base-rate=0.2+target=0.4"
    assert begin() == "slowly-base"
    assert begin("task.rate=0.2") == "slowly-base-rate=0.2"


@pytest.mark.parametrize("word", ["seeds=5", "launcher.slots=1", "reuse=false", "watch=off", "symptoms.flat_fall=0.01"])
def test_what_is_no_part_of_the_question_is_the_same_study(place, word):
    begin()
    assert begin(word) == "slowly-base"


def test_code_is_no_part_of_the_question(place):
    begin()
    (place / "slowly.py").write_text(TASK + "\n# edited\n")
    assert begin() == "slowly-base"


@pytest.mark.parametrize(
    ("word", "plain"),
    [
        ("+check=data", "slowly-check-data"),
        ("+diagnose=full", "slowly-diagnose"),
        ("+axes.data={levels: {b: [task.data=b]}}", "slowly-data"),
    ],
)
def test_checks_diagnoses_and_ablations_have_names_of_their_own_kind(place, word, plain):
    assert begin(word) == plain
    assert begin(word, "task.rate=0.2") == f"{plain}-rate=0.2"


def test_a_given_name_stays_and_says_what_it_replaces(place):
    assert begin("study=mine") == "mine"
    found = named_on_record(loaded("study=mine", "task.rate=0.2"))
    assert found.loaded.study.name == "mine"
    assert "task.rate 0.2 instead of 0.001" in found.note
    assert named_on_record(loaded("study=mine")).note == ""


def test_a_name_with_a_difference_can_be_given(place):
    assert name_of("study=slowly-base-rate=0.2+target=0.4") == "slowly-base-rate=0.2+target=0.4"


def test_a_study_is_compared_with_the_first_if_target_and_axes_are_the_same(place):
    begin()
    begin("task.rate=0.2")
    begin("converge.target=0.4")
    with Store.open("sqlite:///results/sweep.db") as store:
        compared = {record.name: record.config.compare_with for record in store.studies()}
    assert compared == {"slowly-base": None, "slowly-base-rate=0.2": "slowly-base", "slowly-base-target=0.4": None}
    begin("study=slowly-base-rate=0.2", "task.rate=0.2")  # as `resume` gives it
    with Store.open("sqlite:///results/sweep.db") as store:
        assert store.study("slowly-base-rate=0.2").config.compare_with == "slowly-base"


def test_two_commands_at_once_do_not_both_take_the_plain_name(place):
    first, second = loaded(), loaded("task.rate=0.2")
    folder, found = StudyDir(Path("results"), "slowly-base"), []

    def run_second():
        with held(second) as study:
            found.append(study.loaded.study.name)

    with locked_folder(folder, "sqlite:///results/sweep.db"):
        thread = threading.Thread(target=run_second)
        thread.start()
        with Store.open("sqlite:///results/sweep.db") as store:
            open_record(store, first, folder, StudyKind.ABLATION)
        thread.join(30)
    assert found == ["slowly-base-rate=0.2"]


def test_the_same_command_twice_at_once_is_refused(place):
    with held(loaded()) as study:
        open_record(study.store, study.loaded, study.folder, StudyKind.ABLATION)
        with pytest.raises(StudyLockedError), held(loaded()):
            pass


def sweep(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "sweep", *words], capture_output=True, text=True, check=True)


def test_the_report_of_the_first_config_stays_and_the_second_names_the_comparison(place):
    command = ("--config-dir", "my_conf", "task=slowly", "launcher.start=cold", "seeds=2")
    sweep(*command)
    before = Path("results/slowly-base/summary.json").read_bytes()
    shown = sweep(*command, "task.rate=0.2").stdout
    assert Path("results/slowly-base/summary.json").read_bytes() == before
    summary = json.loads(Path("results/slowly-base-rate=0.2/summary.json").read_text())
    expected = "python -m sweep compare slowly-base slowly-base-rate=0.2"
    assert (summary["compare"]["with"], summary["compare"]["command"]) == ("slowly-base", expected)
    assert expected in shown
    assert expected in Path("results/slowly-base-rate=0.2/report.md").read_text()
    assert expected in Path("results/slowly-base-rate=0.2/report.html").read_text()
    assert "2 converged only in slowly-base-rate=0.2" in sweep(*expected.split()[3:]).stdout
    assert "study slowly-base-rate=0.3" in sweep("plan", *command, "task.rate=0.3").stdout
