"""Rival: two threads that start an interpreter per trial. `python -m launching.subprocess_pool TRIALS KIND`."""

import subprocess
import sys
from multiprocessing.pool import ThreadPool

TRIAL = "import sys; from launching.training import trial; trial(sys.argv[1], int(sys.argv[2]))"


def start(kind: str, seed: int) -> None:
    subprocess.run([sys.executable, "-c", TRIAL, kind, str(seed)], check=True)


if __name__ == "__main__":
    with ThreadPool(2) as pool:
        pool.starmap(start, [(sys.argv[2], seed) for seed in range(int(sys.argv[1]))], chunksize=1)
