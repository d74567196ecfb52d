"""A task of the standard library only, so that a trial takes a tenth of a second, and that can be told to go wrong.

The loss falls below its target unless `stuck`; noise comes from the trial's seed, so that every run of a trial logs
the same. `fault` names what goes wrong at step `fault_at`, for the seeds in `fault_seeds` (null: all), and only as
long as fewer than `fault_times` marks of this trial are in the folder `marks` (null: every time).
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

HOLD = Path(__file__).parent / "hold"
"""As long as this file is there, a step takes a second: trials are still there however slow the machine is."""

SLEEPER = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"


def train(cfg, run):
    rng = random.Random(run.stream("noise"))
    for step in range(1, cfg.steps + 1):
        loss = 1.0 if cfg.stuck else 1.0 / step
        run.log(step, **{"train/loss": loss + 0.01 * rng.random()})
        if cfg.pause_s:
            time.sleep(1.0 if HOLD.exists() else cfg.pause_s)
        if cfg.fault and step == cfg.fault_at and _is_due(cfg, run):
            FAULTS[cfg.fault](run)


def _is_due(cfg, run):
    if cfg.fault_seeds is not None and run.seed not in cfg.fault_seeds:
        return False
    if cfg.fault_times is None:
        return True
    marks = Path(cfg.marks)
    marks.mkdir(exist_ok=True)
    name = f"{run.seed}-{cfg.stuck}-"
    spent = len(list(marks.glob(f"{name}*")))
    if spent < cfg.fault_times:
        (marks / f"{name}{spent}").touch()
        return True
    return False


def kill(run):
    os.kill(os.getpid(), signal.SIGKILL)


def terminate(run):
    os.kill(os.getpid(), signal.SIGTERM)


def segv(run):
    os.kill(os.getpid(), signal.SIGSEGV)


def exit_without_result(run):
    os._exit(0)


def hang(run):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(0.05)


def spawn(run):
    child = subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, start_new_session=False)
    child.stdout.readline()
    run.artifact("grandchild").write_text(str(child.pid))


def spawn_and_kill(run):
    spawn(run)
    kill(run)


def allocate(run):
    kept = []
    while len(kept) < 128:  # 2 GiB: a cap that fails is to hurt this test alone
        kept.append(bytearray(16 << 20))
    raise RuntimeError("there was no bound")


def paddle_gpu_oom(run):
    raise RuntimeError(
        "\n\n--------------------------------------\nC++ Traceback (most recent call last):\n"
        "ResourceExhaustedError: \n\nOut of memory error on GPU 0. Cannot allocate 20.000000GB memory on GPU 0, "
        "15.000000GB memory has been allocated and available memory is only 1.000000GB."
    )


def raise_differently(run):
    raise ValueError(f"no good value in {run.dir.name}")


def odd_words(run):
    run.describe(**{"of caf\udce9": "caf\udce9"})
    run.log(3, **{"of/caf\udce9": 1.0})
    raise ValueError("no such file: caf\udce9")


def bad_gpu(run):
    if os.environ["CUDA_VISIBLE_DEVICES"] == "1":
        raise RuntimeError("CUDA error: an illegal memory access was encountered")


def torn_line(run):
    with (run.dir / "events.jsonl").open("ab") as file:
        file.write(b'{"e":"log","t":1.0,"s":99,"v":{"train/lo')
        file.flush()
    kill(run)


def binary_and_huge_lines(run):
    with (run.dir / "events.jsonl").open("ab") as file:
        file.write(b"\xff\xfe\x00binary\n" + b'{"e":"log","x":"' + b"a" * (10 << 20) + b'"}\n')


def corrupt_result(run):
    (run.dir / "result.json").write_text('{"schema": 1, "state": "comp')
    os._exit(0)


FAULTS = {
    function.__name__: function
    for function in (
        kill,
        terminate,
        segv,
        exit_without_result,
        hang,
        spawn,
        spawn_and_kill,
        allocate,
        paddle_gpu_oom,
        raise_differently,
        odd_words,
        bad_gpu,
        torn_line,
        binary_and_huge_lines,
        corrupt_result,
    )
}
