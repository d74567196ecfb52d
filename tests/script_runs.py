"""Runs of scripts in forks of this process, which has imported paddle: 0.1 s each instead of 3 s."""

import json
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweep.domain.facts import INVENTORY, NOTES
from sweep.rundir import RunDir, facts_of, points_of, read_events, read_result

ROOT = Path(__file__).parents[1]
TARGET = {
    "metric": None, "mode": "min", "threshold": None, "hold": None, "budget_steps": 10**6, "stop_early": False
}  # fmt: skip

TRAINS = """
import paddle
net = paddle.nn.Linear(3, 1)
opt = paddle.optimizer.SGD(0.1, parameters=net.parameters())
def step():
    loss = ((net(paddle.ones([2, 3])) - 1.0) ** 2).mean()
    loss.backward()
    opt.step()
    opt.clear_grad()
    return loss
"""
"""The beginning of a script that can make steps."""


STEP = f"if __name__ == '__main__':\n    exec({TRAINS!r} + 'step()')\n"
"""The end of a script that makes one step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run of a script left. `code` is as subprocess has it."""

    code: int
    result: dict[str, Any] | None
    log: str
    folder: RunDir

    @property
    def state(self) -> str | None:
        return None if self.result is None else self.result["state"]

    @property
    def failure(self) -> dict[str, Any]:
        assert self.result is not None, self.log
        assert self.result["failure"] is not None, self.log
        return dict(self.result["failure"])

    @property
    def facts(self) -> dict[str, float | str]:
        return facts_of(read_events(self.folder.events, 0)[0])

    @property
    def notes(self) -> list[str]:
        return list(json.loads(str(self.facts.get(NOTES, "[]"))))

    @property
    def inventory(self) -> dict[str, Any]:
        return dict(json.loads(str(self.facts[INVENTORY])))

    @property
    def losses(self) -> list[float]:
        found = points_of(read_events(self.folder.events, 0)[0])
        return [] if "step/loss" not in found else list(map(float, found["step/loss"].values))


def run_folder(path: Path, script: str, *, seed: int = 0, budget: int = 10**6, **task: Any) -> RunDir:
    """Make the folder of a run of a script, `<results>/<study>/trials/<n>`; `task` is more of its section."""
    folder = RunDir(path)
    path.mkdir(parents=True)
    section = {"path": script, "args": [], "env": {}, "seeding": "sweep", "metrics": {}, **task}
    spec = {"schema": 1, "run_id": 1, "seed": seed, "task": section, "target": {**TARGET, "budget_steps": budget}}
    folder.write_spec(spec)
    return folder


def forked(folder: RunDir, *, cwd: Path, restarts: bool = False) -> Ran:
    """Run the trial of a folder in a fork, as a warm parent does. With `restarts` one that dies early starts again."""
    import paddle  # noqa: F401 - so that forks have it

    from sweep.worker import entry, preforked
    from sweep.worker.process_exit import drop_exit_handlers

    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            warnings.resetwarnings()  # pytest makes errors of them
            os.chdir(cwd)
            drop_exit_handlers()
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
            sys.path[:] = [entry for entry in sys.path if entry]
            if not restarts:
                preforked.run_trial = lambda folder, **_: entry.run_trial(folder)
            preforked.run_and_exit(folder.path, folder.open_log(), b"")
        finally:
            os._exit(99)
    _, status = os.waitpid(pid, 0)
    log = folder.log.read_text(errors="replace")
    return Ran(code=os.waitstatus_to_exitcode(status), result=read_result(folder.result), log=log, folder=folder)


def ran(
    tmp_path: Path,
    text: str,
    *,
    name: str = "train.py",
    n: int = 0,
    trains: bool = True,
    restarts: bool = False,
    **given: Any,
) -> Ran:
    """Write a script into `tmp_path/project` and run it in a fork, from there. `trains` adds a step at its end."""
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    text = f"{text}\n{STEP}" if trains else text
    (project / name).write_text(text, encoding="utf-8")
    return forked(run_folder(tmp_path / f"results/study/trials/{n}", name, **given), cwd=project, restarts=restarts)


def by_hand(script: Path, *args: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a script as a user would."""
    return subprocess.run(
        [sys.executable, str(script.name if cwd is None else script), *args],
        cwd=cwd or script.parent,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
