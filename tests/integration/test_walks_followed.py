"""The walks in CONTRIBUTING.md are what happens: a study is run, and its calls come by the stations in their order."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from walks import walks

WALKS = walks()

TASK = """
def train(cfg, run):
    for step in range(1, 8):
        run.log(step, **{"train/loss": cfg.rate / step, "val/acc": 0.1 * step})
"""

CONFIG = """
_target_: walked.train
rate: 1.0
dropout: 0.5
converge: {metric: val/acc, target: 0.5, hold: 1, budget_steps: 7, loss: train/loss}
"""

FOLLOW = """
import json, shutil, sys
from pathlib import Path
sys.path[:0] = sys.argv[1].split(":")
from walks import walks

stations = {}
for walk in walks().values():
    for station in walk:
        stations.setdefault(station.function().__code__, f"{station.module}:{station.name}")
reached = {}

def watch(frame, event, arg):
    if event == "call" and frame.f_code in stations:
        reached.setdefault(stations[frame.f_code], len(reached))

from sweep.cli.main import main
from sweep.rundir import RunDir
from sweep.worker.entry import run_trial

sys.setprofile(watch)
words = ["task=walked", "+axis=[dropout]", "driver.design=one_at_a_time", "seeds=1", "study=walk"]
code = main(["--config-dir", "conf", *words, "launcher.start=cold", "launcher.slots=1"])
sys.setprofile(None)
by_study, reached = dict(reached), {}
shutil.copytree("results/walk/trials/1", "again")
for name in ("result.json", "events.jsonl"):
    Path("again", name).unlink()
sys.setprofile(watch)
run_trial(RunDir(Path("again")))
sys.setprofile(None)
print(json.dumps({"code": code, "study": list(by_study), "trial": list(reached)}))
"""


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """The stations that were reached, in the order in which they were first: by the study, and in a trial's process."""
    folder: Path = tmp_path_factory.mktemp("walk")
    (folder / "conf" / "task").mkdir(parents=True)
    (folder / "conf" / "task" / "walked.yaml").write_text(CONFIG)
    (folder / "walked.py").write_text(TASK)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", FOLLOW, f"{folder}:{root / 'tests'}"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["code"] == 0, done.stdout
    return found


@pytest.mark.parametrize("walk", WALKS)
def test_a_study_comes_by_the_stations_of_a_walk_in_their_order(followed, walk):
    names = {f"{station.module}:{station.name}": station for station in WALKS[walk]}
    in_trial = [name for name in names if name in followed["trial"]]
    in_study = [name for name in names if name in followed["study"] and name not in in_trial]
    missed = [str(station) for name, station in names.items() if name not in (*in_trial, *in_study)]
    assert not missed, f"never reached: {missed}"
    for part, order in (("trial", in_trial), ("study", in_study)):
        reached = sorted(order, key=followed[part].index)
        assert reached == order, f"reached in another order: {[str(names[name]) for name in reached]}"
