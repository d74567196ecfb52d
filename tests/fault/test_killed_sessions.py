"""The cost of a study includes sessions that were killed before they could record theirs."""

import json
import os
import signal

from killing import Folder, wait_until

SLOTS = 2
WAVES = 3


def test_the_cost_includes_the_time_of_a_killed_session(folder: Folder):
    command = (
        "--config-dir", "my_conf", "task=mini", "+axis=[stuck]", f"seeds={WAVES}", "study=s",
        f"launcher.slots={SLOTS}", "task.pause_s=0.05", "converge.stop_early=false",
    )  # fmt: skip
    orchestrator = folder.start(*command)
    wait_until(lambda: sum(folder.results().values()) >= SLOTS * (WAVES - 1))
    os.kill(orchestrator.pid, signal.SIGKILL)
    orchestrator.wait()
    folder.run(*command)
    cost = json.loads((folder.study / "summary.json").read_text())["cost"]
    ran_s = sum(json.loads(file.read_text())["wall_s"] for file in folder.study.glob("trials/*/result.json"))
    assert ran_s > 5.5  # six trials of 20 steps of 0.05 s
    assert cost["wall_s"] > 0.95 * ran_s / SLOTS
