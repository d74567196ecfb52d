"""A launcher of one's own: a kind, a line in LAUNCHERS and a file of settings are all that it takes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sweep.cli.main import main
from sweep.config import LauncherConfig
from sweep.config.values import Section
from sweep.launch import LAUNCHERS, Launcher, LauncherKind, RunRequest
from sweep.launch.fake import FakeLauncher, write_run
from sweep.rundir import RunDir
from sweep.store import Store

FILES = {
    "mine.py": "def train(cfg, run): pass\n",
    "conf/task/mine.yaml": "_target_: mine.train\nlr: 1\nconverge: {metric: val/acc, target: 0.9, budget_steps: 5}\n",
    "conf/launcher/toy.yaml": (
        "name: toy\npartition: long\nnodes: 3\ntimeout_s: null\nretries: 1\nmemory_mb: null\n"
    ),
}  # fmt: skip


def converges(folder: RunDir) -> int:
    return write_run(folder, {"val/acc": [(1, 0.95), (2, 0.95), (3, 0.95)]})


@dataclass
class ToyKind:
    """Queues runs on nodes that there are not. `built` has the partitions that it was built for."""

    built: list[str] = field(default_factory=list)

    def check(self, config: LauncherConfig) -> None:
        section = Section(config.settings, "launcher", ("partition", "nodes"))
        section.choice("partition", ("short", "long"))
        section.integer("nodes", low=1)

    def notes_of(self, config: LauncherConfig) -> tuple[str, ...]:
        self.check(config)
        return ("jobs of this partition may wait for hours",)

    def build(self, config: LauncherConfig, *, say: Callable[[str], None]) -> Launcher:
        self.built.append(str(config.settings["partition"]))
        return FakeLauncher(converges, slots=self.slots_of(config), queue_s=1.0)

    def slots_of(self, config: LauncherConfig) -> int:
        return Section(config.settings, "launcher", ("partition", "nodes")).integer("nodes", low=1)

    def devices_of(self, config: LauncherConfig) -> tuple[str, ...]:
        return ()

    def starts_warm(self, config: LauncherConfig) -> bool:
        return False

    def can_pause(self, config: LauncherConfig) -> bool:
        return False

    def find(self, request: RunRequest) -> str | None:
        return None

    def shown(self, handle: str) -> str:
        return handle


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToyKind:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    made = ToyKind()
    kind: LauncherKind = made  # mypy misses no method that is added to the protocol
    monkeypatch.setitem(LAUNCHERS, "toy", kind)
    return made


def test_a_plan_asks_the_kind_for_its_slots_and_builds_no_launcher(
    toy: ToyKind, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "--config-dir", "conf", "task=mine", "launcher=toy", "seeds=6"]) == 0
    printed = capsys.readouterr()
    assert "wait for hours" in printed.err
    assert toy.built == []


def test_a_study_runs_with_it(toy: ToyKind) -> None:
    words = ["--config-dir", "conf", "task=mine", "launcher=toy", "seeds=4", "study=s"]
    assert main([*words, "launcher.partition=short"]) == 0
    assert toy.built == ["short"]
    with Store.open("sqlite:///results/sweep.db", read_only=True) as store:
        study = store.study("s")
        assert {str(outcome.verdict) for outcome in store.outcomes(study.id)} == {"converged"}
        runs = [run for trial in store.trials(study.id) for run in store.runs(trial.id)]
    assert [run.host for run in runs] == ["fake"] * 4
    assert all((run.handle or "").startswith("job-") and run.token for run in runs)


@pytest.mark.parametrize(
    ("word", "key", "way_out"),
    [
        ("launcher.partition=lon", "launcher.partition", "did you mean 'long'"),
        ("launcher.nodes=0", "launcher.nodes", "1 or more"),
        ("+launcher.partitoin=long", "launcher.partitoin", "did you mean 'launcher.partition'"),
    ],
)
def test_its_own_settings_are_refused_by_their_key(
    toy: ToyKind, capsys: pytest.CaptureFixture[str], word: str, key: str, way_out: str
) -> None:
    for verb in ([], ["plan"]):
        assert main([*verb, "--config-dir", "conf", "task=mine", "launcher=toy", word]) == 2
        told = capsys.readouterr().err
        assert key in told
        assert way_out in told
    assert not Path("results").exists()
    assert toy.built == []
