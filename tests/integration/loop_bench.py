"""A study loop in this process over a scripted launcher: no processes, no config files, a store that can be kept."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sweep.config import DriverConfig, LauncherConfig, StudyConfig
from sweep.config.source import TaskSource
from sweep.domain.axis import Axis, Cell, Level
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome, TrialRecord, TrialSpec
from sweep.drivers import GridDriver
from sweep.drivers.protocol import Driver, Proposal
from sweep.launch import Launcher, RunNews
from sweep.rundir import RunDir, StudyDir
from sweep.store import Store
from sweep.study.code_guard import PlannedCode
from sweep.study.loop import StudyLoop
from sweep.study.runs import OpenStudy

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=1, budget_steps=5, stop_early=True)
AXES = (Axis(name="stuck", levels=(Level(name="off", overrides=("task.stuck=false",)),)),)
CELLS = (Cell(), Cell.of(["stuck=off"]))
CURVE = {"base": [0.1, 0.1, 0.1, 0.1, 0.1], "stuck=off": [0.1, 0.5, 0.95]}
VERDICTS = {"base": "not_converged", "stuck=off": "converged"}


NO_CODE = PlannedCode(TaskSource(files=(), root=Path(), digests={}, imports=frozenset(), digest=""))


class Watcher:
    """What a person would have seen."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.ended: list[Outcome] = []

    def start(self, total: int | None, done: int) -> None:
        self.total, self.done = total, done

    def trial_started(self, number: int, cell: str, seed: int, budget_steps: int) -> None:
        pass

    def trial_progress(self, number: int, step: int, metric: str | None, value: float | None) -> None:
        pass

    def trial_ended(self, outcome: Outcome) -> None:
        self.ended.append(outcome)

    def message(self, text: str) -> None:
        self.messages.append(text)


class Told:
    """A driver that notes what it is told and what it has proposed."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.told: list[Outcome] = []

    @property
    def prunes(self) -> bool:
        return self.driver.prunes

    @property
    def pauses(self) -> bool:
        return self.driver.pauses

    def ask(self, count: int) -> Sequence[Proposal]:
        return self.driver.ask(count)

    def tell(self, outcome: Outcome) -> None:
        self.told.append(outcome)
        self.driver.tell(outcome)

    def adopt(self, proposal: Proposal) -> None:
        self.driver.adopt(proposal)

    def should_prune(self, proposal: Proposal, step: int, value: float) -> bool:
        return self.driver.should_prune(proposal, step, value)

    def expected_trials(self) -> int | None:
        return self.driver.expected_trials()


@dataclass
class Bench:
    """A study that is opened as often as a test likes."""

    results: Path
    store: Store
    seeds: tuple[int, ...] = (0, 1)
    retries: int = 1
    cells: tuple[Cell, ...] = CELLS
    watcher: Watcher = field(default_factory=Watcher)
    finished: list[int] = field(default_factory=list)

    @property
    def folder(self) -> StudyDir:
        return StudyDir(self.results, "s")

    def config(self) -> StudyConfig:
        return StudyConfig(
            name="s", task_name="t", ablation=None, task={"_target_": "t.t"}, axes=AXES, params={},
            driver=DriverConfig(name="grid", settings={}), seeds=self.seeds, target=TARGET,
            launcher=LauncherConfig(name="fake", timeout_s=None, retries=self.retries),
            store_url="sqlite://", results=str(self.results), inert=(), raw={},
        )  # fmt: skip

    def compose(self, proposal: Proposal) -> TrialSpec:
        return TrialSpec(
            cell=proposal.cell, seed=proposal.seed, overrides=(), task={"_target_": "t.t", "cell": proposal.cell.key},
            fingerprint=f"{proposal.cell.key}/{proposal.seed}",
        )  # fmt: skip

    def loop(self, launcher: Launcher, driver: Driver | None = None) -> StudyLoop:
        """Return the loop of a new session."""
        record = self.store.find_study("s") or self.store.create_study(
            name="s", task="t", command=[], config={}, provenance={}
        )
        self.driver = Told(driver or GridDriver(self.cells, self.seeds))
        end_at_last(launcher)
        return StudyLoop(
            OpenStudy(record=record, config=self.config(), store=self.store, folder=self.folder, code=NO_CODE),
            compose=self.compose, driver=self.driver, launcher=launcher, progress=self.watcher, on_outcome=self.note,
        )  # fmt: skip

    def note(self, outcome: Outcome, trial: TrialRecord, curves: object) -> None:
        self.finished.append(trial.number)
        assert outcome == self.store.outcome(trial.id), "the loop tells what the store has"
        self.folder.trial(trial.number).visualdl.mkdir(parents=True, exist_ok=True)

    def outcomes(self) -> list[Outcome]:
        return self.store.outcomes(self.store.study("s").id)

    def verdicts(self) -> list[tuple[str, int, str]]:
        return sorted((o.cell.key, o.seed, str(o.verdict)) for o in self.outcomes())

    def runs(self) -> list[tuple[int, int, str, str | None]]:
        """Return (trial, attempt, state, failure) of every run."""
        return [
            (trial.number, run.attempt, str(run.state), run.failure and str(run.failure))
            for trial in self.store.trials(self.store.study("s").id, retired=True)
            for run in self.store.runs(trial.id)
        ]


def end_at_last(launcher: Launcher) -> None:
    """Have a loop that would go on for ever fail: time passes only as a scripted launcher is polled."""
    poll, polls = launcher.poll, itertools.count()

    def counted(wait_s: float) -> Sequence[RunNews]:
        assert next(polls) < 10_000, "this loop has no end"
        return poll(wait_s)

    launcher.poll = counted


AS_PLANNED = [(cell, seed, verdict) for cell, verdict in VERDICTS.items() for seed in (0, 1)]

Script = Callable[[RunDir], int | None]
