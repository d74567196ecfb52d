"""A driver is added by a file, a line in DRIVERS and a file in conf/driver/: it plans, runs and resumes a study."""

import json

import pytest
from adaptive_driver import Confirming, Racing

from sweep.cli.main import main
from sweep.config import load_study_config
from sweep.domain.axis import BASE, Cell
from sweep.domain.kinds import StudyKind
from sweep.drivers import DRIVERS
from sweep.launch import LAUNCHERS
from sweep.launch.fake import FakeLauncher, write_slice
from sweep.launch.local_kind import LocalKind
from sweep.store import Store
from sweep.study.planning import StudyPlan
from sweep.study.session import run_study

AXIS = "+axes.x={levels: {good: [task.x=1], bad: [task.x=2]}}"
WORDS = ("task=mine", "driver=confirming", "study=s", "seeds=1", AXIS)
TASK = "_target_: mine.train\nx: 0\nconverge: {metric: val/acc, mode: max, target: 0.9, hold: 1, budget_steps: 3}\n"
GOOD = Cell.of(["x=good"])


VALUES = {0: 0.1, 1: 0.95, 2: 0.7}


def trains(folder, after_step, until_step):
    """Log three steps; only x=1 gets to the target, x=2 somewhere near it."""
    value = VALUES[folder.read_spec()["task"]["x"]]
    return write_slice(folder, {"val/acc": [(step, value * step / 3) for step in (1, 2, 3)]}, after_step, until_step)


class FakeKind(LocalKind):
    """The fake launcher in the place of the local one."""

    def __init__(self, *, pauses):
        self.pauses = pauses

    def build(self, config, **given):
        return FakeLauncher(slices=trains, slots=1)

    def can_pause(self, config):
        return self.pauses


class Progress:
    def __init__(self):
        self.messages = []

    def start(self, total, done):
        self.total, self.done = total, done

    def trial_started(self, number, cell, seed, budget_steps): ...

    def trial_progress(self, number, step, metric, value): ...

    def trial_ended(self, outcome): ...

    def message(self, text):
        self.messages.append(text)

    def close(self): ...


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a driver of its own; returns what loads a study of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("def train(cfg, run): ...\n")
    files = {"task/mine": TASK} | {f"driver/{name}": f"name: {name}\nfresh: 2\n" for name in ("confirming", "racing")}
    for name, text in files.items():
        (tmp_path / "conf" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "conf" / f"{name}.yaml").write_text(text)
    monkeypatch.setitem(DRIVERS, "confirming", Confirming)
    monkeypatch.setitem(DRIVERS, "racing", Racing)
    monkeypatch.setitem(LAUNCHERS, "local", FakeKind(pauses=False))
    return lambda *words: load_study_config([*WORDS, *words], [tmp_path / "conf"], command=WORDS)


def trials(loaded):
    with Store.open(loaded.study.store_url) as store:
        return [(trial.cell, trial.seed) for trial in store.trials(store.study("s").id)]


ALL = [(BASE, 0), (GOOD, 0), (Cell.of(["x=bad"]), 0), (GOOD, 1), (GOOD, 2)]


def test_it_runs_a_study_and_is_on_record_as_its_own_kind(project):
    end = run_study(project(), progress=Progress())
    assert (end.status, trials(project())) == ("ended", ALL)
    with Store.open(project().study.store_url) as store:
        assert store.study("s").kind is StudyKind.ABLATION
    plan = json.loads((end.folder / "plan.json").read_text())
    assert plan["driver"] == {"name": "confirming", "fresh": 2}


def test_the_seeds_that_it_added_belong_to_the_study_when_it_is_resumed(project):
    run_study(project(), progress=Progress())
    progress = Progress()
    run_study(project(), progress=progress)
    assert (trials(project()), progress.done) == (ALL, len(ALL))


def test_more_is_asked_of_it_on_resume_and_only_that_is_run(project):
    run_study(project(), progress=Progress())
    run_study(project("driver.fresh=3"), progress=Progress())
    assert trials(project()) == [*ALL, (GOOD, 3)]


def test_its_plan_names_the_candidates_and_the_cost_if_healthy_typical_none_and_at_most(project, capsys):
    assert main(["plan", "--config-dir", "conf", *WORDS, "--json"]) == 0
    view = json.loads(capsys.readouterr().out)
    expected = view["expected"]
    assert (expected["trials"], expected["candidates"]) == (9, ["x=good", "x=bad"])
    assert {name: (price["bre"], price["steps"]) for name, price in expected["price"].items()} == {
        "healthy": (1.0, 3),
        "typical": (5.5, 16),
        "none": (3, 9),
        "cap": (9, 27),
    }
    assert view["steps"] == 27
    assert main(["plan", "--config-dir", "conf", *WORDS]) == 0
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("x=good, x=bad", "5.5", "27", expected["summary"]))


@pytest.mark.parametrize(
    ("word", "key", "says"),
    [
        ("driver.fresh=0", "driver.fresh", "1 or more"),
        ("+driver.frsh=1", "driver.frsh", "did you mean 'driver.fresh'"),
        ("~axes.x", "params", "the plan is empty"),
        ("+params.task.x=range(1,3)", "params", "optuna"),
    ],
)
def test_what_it_refuses_is_named(project, word, key, says, capsys):
    assert main(["plan", "--config-dir", "conf", *WORDS, word]) == 2
    printed = capsys.readouterr().err
    assert key in printed
    assert says in printed


def test_it_replaces_no_fixed_plan(project):
    assert StudyPlan(project()).fixed is None


# One that pauses its trials


@pytest.fixture
def pausing(project, monkeypatch):
    monkeypatch.setitem(LAUNCHERS, "local", FakeKind(pauses=True))
    return lambda *words: project("driver=racing", *words)


def outcomes(loaded):
    with Store.open(loaded.study.store_url) as store:
        return [(o.cell.key, o.seed, str(o.state), o.steps) for o in store.outcomes(store.study("s").id)]


RACED = [
    ("base", 0, "cancelled", 2),
    ("x=good", 0, "completed", 3),
    ("x=bad", 0, "paused", 2),
    ("x=good", 1, "completed", 3),
    ("x=good", 2, "completed", 3),
]


def test_it_pauses_trials_and_the_study_ends_with_a_report_that_counts_them(pausing, capsys):
    end = run_study(pausing(), progress=Progress())
    assert (end.status, outcomes(pausing())) == ("ended", RACED)
    assert json.loads((end.folder / "summary.json").read_text())["states"] == {
        "completed": 3, "cancelled": 1, "paused": 1
    }  # fmt: skip
    for verb in (["status", "s"], ["ls"], ["show", "2"], ["rank", "s"]):
        assert main(verb) == 0
    assert "1 paused" in capsys.readouterr().out


def test_the_study_resumed_asks_nothing_that_it_knows(pausing):
    run_study(pausing(), progress=Progress())
    run_study(pausing(), progress=Progress())
    assert outcomes(pausing()) == RACED
    with Store.open(pausing().study.store_url) as store:
        runs = [len(store.runs(trial.id)) for trial in store.trials(store.study("s").id)]
    assert runs == [1] * 5
