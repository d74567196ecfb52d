"""The floor: a process that has imported paddle forks. `python -m launching.fork_pool TRIALS KIND [SLOTS]`.

No store, no judge, no session, no log: nothing that is forked from a parent with paddle imported can be faster.
"""

import os
import sys

from launching.training import trial


def main(trials: int, kind: str, slots: int) -> None:
    running = 0
    for seed in range(trials):
        if running == slots:
            wait()
            running -= 1
        if os.fork() == 0:
            trial(kind, seed)
            os._exit(0)
        running += 1
    for _ in range(running):
        wait()


def wait() -> None:
    _, status = os.wait()
    if status:
        sys.exit(f"a child ended with status {status}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 2)
