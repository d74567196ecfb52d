"""Kills the orchestrator of a study at random moments, many times, and checks the result. Run by hand:

    python scripts/soak_kills.py [--moments 200] [--seed 0] [--at-a-time 2]

For each moment a study is started in a new folder, its orchestrator is killed with SIGKILL after a random time (every
third time with all processes it started), and the same command is run again; one time in four it is killed again.
Plan, verdicts and ranking must then equal those of an undisturbed study, no trial may finish twice, none may start
twice if only orchestrators were killed, and no process may be left. Prints a line for each failure, and a table; exit
code 1 if there was any.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fault"))

from killing import STUDY, Folder, OrchestratorProcess, Zygote, new_folder  # type: ignore[import-not-found]

COMMAND = (*STUDY, "seeds=4", "task.pause_s=0.01")
"""2 cells x 4 seeds."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-a-time", type=int, default=2)
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as root, closing(Zygote()) as zygote:
        started = time.monotonic()
        with new_folder(Path(root) / "undisturbed", zygote) as folder:
            folder.run(*COMMAND)
            expected = folder.outcome()
        took_s = time.monotonic() - started
        soak = Soak(Path(root), zygote, expected, took_s, args.seed)
        with ThreadPoolExecutor(args.at_a_time) as pool:
            words = list(pool.map(soak.moment, range(args.moments)))
    print(f"{args.moments} moments within {took_s:.1f} s of study, seed {args.seed}, {time.monotonic() - began:.0f} s:")
    for word, count in Counter(words).most_common():
        print(f"  {count:4}  {word}")
    return 1 if any(word.startswith("WRONG") for word in words) else 0


@dataclass(frozen=True)
class Soak:
    """Settings of all moments: `expected` is the outcome of the undisturbed study, which took `took_s`."""

    root: Path
    zygote: Zygote
    expected: dict[str, Any]
    took_s: float
    seed: int

    def moment(self, number: int) -> str:
        """Kill at one moment and return the outcome in words."""
        rng = random.Random(f"{self.seed}/{number}")
        with new_folder(self.root / f"moment {number}", self.zygote) as folder:
            kills, with_all = 0, number % 3 == 0
            while True:
                orchestrator = folder.start(*COMMAND)
                kills += kill_after(orchestrator, rng.uniform(0, 1.2 * self.took_s), with_all=with_all)
                if rng.random() < 0.75:
                    break
            orchestrator = folder.run(*COMMAND, code=None)
            wrong = problem(folder, orchestrator, self.expected, is_begun_once=not with_all)
        if wrong:
            print(f"moment {number}: {wrong}\n{orchestrator.text}", flush=True)
            return f"WRONG: {wrong}"
        return f"killed {kills} times" if kills else "ended before it was killed"


def kill_after(orchestrator: OrchestratorProcess, wait_s: float, *, with_all: bool) -> bool:
    """Kill an orchestrator after a time, with its children if `with_all`; return whether it was still running."""
    pid = orchestrator.pid
    time.sleep(wait_s)
    try:
        victims = psutil.Process(pid).children(recursive=True) if with_all else []
        os.kill(pid, signal.SIGKILL)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.kill()
    return bool(orchestrator.wait() == -signal.SIGKILL)


def problem(folder: Folder, orchestrator: OrchestratorProcess, expected: dict[str, Any], *, is_begun_once: bool) -> str:
    """Return what is wrong, or an empty string."""
    if orchestrator.wait() != 0:
        return f"exit code {orchestrator.wait()}"
    found = folder.outcome()
    different = [name for name in expected if found[name] != expected[name]]
    if different:
        return f"another {', '.join(different)}"
    if set(folder.results().values()) != {1}:
        return f"trials finished twice: {folder.results()}"
    if is_begun_once and set(folder.starts().values()) != {1}:
        return f"trials started twice: {folder.starts()}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
