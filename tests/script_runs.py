"""Runs of scripts in forks of a process that has imported paddle: 0.1 s each instead of 3 s."""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
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


@lru_cache(maxsize=1)
def _host() -> "subprocess.Popen[str]":
    host = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("script_host.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd="/",
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    atexit.register(_end, host)
    return host


def _end(host: "subprocess.Popen[str]") -> None:
    with host:
        pass  # closes its input, and waits for it


def hosted(*, cwd: Path, **asked: Any) -> int:
    """Have the host fork a process in folder `cwd`; return its exit code. `asked`: see `script_host`."""
    host = _host()
    assert host.stdin is not None
    assert host.stdout is not None
    host.stdin.write(json.dumps({"cwd": str(cwd), **asked}) + "\n")
    host.stdin.flush()
    return int(host.stdout.readline())


def forked(folder: RunDir, *, cwd: Path, patches: Sequence[str] = ()) -> Ran:
    """Run the trial of a folder in a fork, as a warm parent does. `patches`: see `script_host`."""
    code = hosted(cwd=cwd, run=str(folder.path), patches=list(patches))
    log = folder.log.read_text(errors="replace")
    return Ran(code=code, result=read_result(folder.result), log=log, folder=folder)


def ran(
    tmp_path: Path,
    text: str,
    *,
    name: str = "train.py",
    n: int = 0,
    trains: bool = True,
    patches: Sequence[str] = ("no restart",),
    **given: Any,
) -> Ran:
    """Write a script into `tmp_path/project` and run it in a fork, from there. `trains` adds a step at its end."""
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    text = f"{text}\n{STEP}" if trains else text
    (project / name).write_text(text, encoding="utf-8")
    return forked(run_folder(tmp_path / f"results/study/trials/{n}", name, **given), cwd=project, patches=patches)


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
