"""A user's folder in which things go wrong, orchestrators to be killed in it, and the outcome of a study."""

import json
import os
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from visualdl import LogReader

from sweep.config import LoadedConfig, load_study_config

HERE = Path(__file__).parent
PROJECT = HERE / "project"
REPOSITORY = HERE.parents[1]
STUDY = ("--config-dir", "my_conf", "task=mini", "+axis=[stuck]", "seeds=2", "study=s", "launcher.slots=2")
"""2 cells x 2 seeds."""


def wait_until(condition: Callable[[], object], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        time.sleep(0.01)


def shown_until(terminal: int, text: str, timeout_s: float = 60) -> str:
    """Return what a terminal shows from now on until this text is there."""
    deadline = time.monotonic() + timeout_s
    shown = b""
    while text.encode() not in shown:
        assert select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0], f"no {text!r} in {shown!r}"
        shown += os.read(terminal, 1 << 16)
    return shown.decode(errors="replace")


@dataclass
class OrchestratorProcess:
    """An orchestrator that the zygote has forked."""

    out: Path

    @property
    def pid(self) -> int:
        wait_until(lambda: Path(f"{self.out}.pid").exists())
        return int(Path(f"{self.out}.pid").read_text())

    def wait(self, timeout_s: float = 120) -> int:
        """Return its exit code, negative for a signal."""
        wait_until(lambda: Path(f"{self.out}.code").exists(), timeout_s)
        return int(Path(f"{self.out}.code").read_text())

    @property
    def text(self) -> str:
        return self.out.read_text() if self.out.exists() else ""


class Zygote:
    """Forks orchestrators; see zygote.py."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "120", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "zygote.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=REPOSITORY,
        )  # fmt: skip
        assert self._process.stdout.readline() == "ready\n"

    def start(self, request: dict) -> None:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.stdin.close()  # it ends when it reads the end
        with self._process:
            self._process.wait(10)


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


@dataclass
class Folder:
    """Where a user works. `place` and `database` are where a test has results and store, `name` is its study."""

    path: Path
    zygote: Zygote
    name: str = "s"
    _runs: int = field(default=0)

    def __post_init__(self) -> None:
        self.place = self.path / "results"
        self.database = self.place / "sweep.db"

    def start(self, *arguments: str, **env: str) -> OrchestratorProcess:
        """Start an orchestrator and return at once."""
        self._runs += 1
        out = self.path.parent / f"{self.path.name}.out.{self._runs}"
        self.zygote.start({"cwd": str(self.path), "argv": list(arguments or STUDY), "env": env, "out": str(out)})
        return OrchestratorProcess(out)

    def run(self, *arguments: str, code: int | None = 0, **env: str) -> OrchestratorProcess:
        """Run an orchestrator to its end and check its exit code."""
        orchestrator = self.start(*arguments, **env)
        found = orchestrator.wait()
        assert code is None or found == code, f"exit code {found}, expected {code}\n{orchestrator.text}"
        return orchestrator

    def popen(self, *arguments: str, **options: object) -> "subprocess.Popen[str]":
        """Start `python -m sweep` as a user does."""
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "120", "OMP_NUM_THREADS": "1"}
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **options}
        return subprocess.Popen(
            [sys.executable, "-m", "sweep", *(arguments or STUDY)], cwd=self.path, env=environment, **given
        )

    # -- the outcome

    @property
    def study(self) -> Path:
        return self.place / self.name

    def trial(self, number: int) -> Path:
        return self.study / "trials" / str(number)

    def query(self, sql: str, *values: object) -> list[tuple]:
        with closing(sqlite3.connect(self.database)) as db:
            return db.execute(sql, values).fetchall()

    def table(self) -> list[tuple]:
        """Return every trial with its verdict and its curve's end: all of it is the same for equal outcomes."""
        return self.query(
            "select t.number, t.cell, t.seed, t.fingerprint, t.state, t.verdict, t.tau, t.last_step, t.best, t.final "
            "from trials t join studies s on t.study_id = s.id "
            f"where is_current and s.name = '{self.name}' order by t.cell, t.seed"
        )

    def verdicts(self) -> list[tuple]:
        return [row[1:3] + row[4:] for row in self.table()]

    def ranking(self) -> dict:
        """Return summary.json without what names a time, a place or a command."""
        summary = json.loads((self.study / "summary.json").read_text())
        kept = {key: summary[key] for key in ("question", "base", "toggles", "repairs")}
        return kept | {"cost": {key: summary["cost"][key] for key in ("trials", "steps")}}

    def plan(self) -> dict:
        plan = json.loads((self.study / "plan.json").read_text())
        return {key: plan[key] for key in ("digest", "trials", "cells", "seeds")}

    def outcome(self) -> dict:
        """Return all that has to be the same, whatever happened on the way."""
        return {
            "plan": self.plan(),
            "verdicts": self.verdicts(),
            "ranking": self.ranking(),
            "logs": self.logs(),
            "left": self.left(),
        }

    def runs(self) -> list[tuple]:
        """Return (trial number, attempt, state, failure) of every run."""
        return self.query(
            "select t.number, r.attempt, r.state, r.failure from runs r join trials t on r.trial_id = t.id "
            "order by t.number, r.attempt"
        )

    def starts(self) -> Counter:
        """Return how often each trial's process has begun, by the start events in all folders of its attempts."""
        found: Counter = Counter()
        for events in self.study.glob("trials/*/events.jsonl"):
            number = int(events.parent.name.partition(".")[0])
            found[number] += events.read_bytes().count(b'{"e":"start"')
        return found

    def results(self) -> Counter:
        """Return how many results each trial has left: more than one where a finished trial was repeated."""
        done: Counter = Counter()
        for result in self.study.glob("trials/*/result.json"):
            if '"state": "completed"' in result.read_text():
                done[int(result.parent.name.partition(".")[0])] += 1
        return done

    def logs(self) -> dict[int, int]:
        """Return by trial how many points VisualDL finds of its loss."""
        readers = {
            int(log.parts[-3]): LogReader(file_path=str(log)) for log in self.study.glob("trials/[0-9]/vdl/*.log")
        }
        return {
            number: len(reader.get_data("scalar", "train/loss"))
            if "train/loss" in reader.get_tags().get("scalar", ())
            else 0
            for number, reader in sorted(readers.items())
        }

    def left(self) -> list[str]:
        """Return the processes that have to do with this folder, by command line, environment or cwd."""
        found = []
        for process in processes_of(self.path):
            with suppress(psutil.Error):  # it ends while it is looked at
                found.append(" ".join(process.cmdline()))
        return found


def processes_of(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            about = [*process.cmdline(), *process.environ().values(), process.cwd()]
        except psutil.Error:
            continue
        if any(str(folder) in text for text in about):
            found.append(process)
    return found


@pytest.fixture
def folder(tmp_path: Path, zygote: Zygote) -> Iterator[Folder]:
    with new_folder(tmp_path / "work", zygote) as made:
        yield made


@contextmanager
def new_folder(path: Path, zygote: Zygote) -> Iterator[Folder]:
    """Make a folder with the task in it; at the end nothing that has to do with it is alive."""
    shutil.copytree(PROJECT, path)
    try:
        yield Folder(path, zygote)
    finally:
        for process in processes_of(path):
            process.send_signal(signal.SIGKILL)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> dict:
    """Return the outcome of STUDY when nothing goes wrong."""
    with new_folder(tmp_path_factory.mktemp("undisturbed") / "work", zygote) as folder:
        folder.run()
        assert folder.left() == []
        assert folder.starts() == {0: 1, 1: 1, 2: 1, 3: 1}
        outcome = folder.outcome()
        assert [row[3] for row in outcome["verdicts"]].count("converged") == 2
    return outcome


# -- an orchestrator in this process


class Silent:
    """Shows nothing."""

    def __getattr__(self, name: str):
        return lambda *args, **kwargs: None


def load(*overrides: str) -> LoadedConfig:
    return load_study_config(overrides, [Path("my_conf")], command=overrides)


@pytest.fixture
def here(folder: Folder, monkeypatch) -> Folder:
    """A folder in which studies are driven from this process."""
    monkeypatch.chdir(folder.path)
    monkeypatch.syspath_prepend(str(folder.path))
    monkeypatch.setenv("PYTHONPATH", str(folder.path))
    yield folder
    sys.modules.pop("mini", None)
