"""Batches that a data loader's worker has left in shared memory are removed with the run."""

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

from sweep.launch.process import drop_batches, kill_members

LEAVES_A_WORKER_THAT_ENDED = """
import os, sys, time
if os.fork():
    sys.stdin.read()  # the leader ends when its input does
    os._exit(0)
worker = os.fork()
if not worker:
    os._exit(0)
os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
print(worker, flush=True)
time.sleep(600)  # and does not reap it
"""


def test_a_worker_that_ended_by_itself_is_among_those_whose_batches_are_removed():
    words = [sys.executable, "-c", LEAVES_A_WORKER_THAT_ENDED]
    with subprocess.Popen(words, stdin=PIPE, stdout=PIPE, start_new_session=True) as leader:
        worker = int(leader.stdout.readline())
        batch = Path(f"/dev/shm/paddle_{worker}_batch")
        batch.touch()
        try:
            leader.stdin.close()
            os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
            drop_batches(kill_members(leader.pid))
            assert not batch.exists()
        finally:
            batch.unlink(missing_ok=True)
