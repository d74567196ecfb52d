"""Tasks that behave in every way a launcher has to survive: `_target_: stub_tasks.<name>`, this folder on PYTHONPATH.

Standard library only, so that a run starts at once.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def _announce(run, name="ready", text=""):
    """Leave a file that a test can wait for."""
    path = run.artifact(name)
    path.with_suffix(".tmp").write_text(text)
    path.with_suffix(".tmp").rename(path)


def _wait_forever():
    while True:
        time.sleep(0.05)


def ok(cfg, run):
    for step in range(1, cfg.get("steps", 5) + 1):
        run.log(step, **{"train/loss": 1.0 / step, "val/acc": step / 10})


def diverges(cfg, run):
    for step in range(1, 100):
        run.log(step, **{"train/loss": float("nan") if step >= 3 else 1.0})


def crashes(cfg, run):
    run.log(1, **{"train/loss": 1.0})
    raise RuntimeError("planted crash\nwith a second line")


def out_of_memory(cfg, run):
    raise MemoryError("planted")


def allocates(cfg, run):
    """Allocate under a cap of its own until Python says no."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
    kept = []
    while True:
        kept.append(bytearray(50 << 20))


def hangs(cfg, run):
    run.log(1, **{"train/loss": 1.0})
    _announce(run)
    _wait_forever()


def logs_forever(cfg, run):
    step = 0
    while True:
        step += 1
        run.log(step, **{"train/loss": 1.0})
        if step == 1:
            _announce(run)
        time.sleep(0.01)


def ignores_sigterm(cfg, run):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _announce(run)
    _wait_forever()


def tears_a_line(cfg, run):
    run.log(1, **{"train/loss": 1.0})
    with (run.dir / "events.jsonl").open("a") as file:
        file.write('{"e":"log","t":1.0,"s":2,"v":{"train/')
        file.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def spawns_a_grandchild(cfg, run):
    """Leave a grandchild behind that ignores SIGTERM; `own_group` puts it into a process group of its own."""
    code = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    )
    own = {"process_group": 0} if cfg.get("own_group") and sys.version_info >= (3, 11) else {}
    if cfg.get("own_group") and not own:
        own = {"preexec_fn": os.setpgrp}
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, **own)
    child.stdout.readline()
    run.log(1, **{"train/loss": 1.0})
    _announce(run, "grandchild", str(child.pid))
    if cfg.get("hang"):
        _wait_forever()


def floods_stdout(cfg, run):
    for _ in range(2000):
        print("x" * 1000)
    run.log(1, **{"train/loss": 1.0})


def exits_without_result(cfg, run):
    run.log(1, **{"train/loss": 1.0})
    os._exit(cfg.get("code", 0))


def calls_sys_exit(cfg, run):
    run.log(1, **{"train/loss": 1.0})
    sys.exit(cfg.get("code", 0))


def kills_itself(cfg, run):
    print("about to go", flush=True)
    os.kill(os.getpid(), cfg.get("signal", signal.SIGKILL))


def leaves_a_thread(cfg, run):
    import threading

    threading.Thread(target=_wait_forever).start()
    run.log(1, **{"train/loss": 1.0})


def swallows_the_stop(cfg, run):
    for step in range(1, 100):
        try:
            run.log(step, **{"train/loss": 1.0})
        except BaseException:  # what a careless task does
            continue


def fails_after_the_stop(cfg, run):
    try:
        for step in range(1, 100):
            run.log(step, **{"train/loss": 1.0})
    finally:
        raise RuntimeError("cleaning up failed")


def evaluates_what_is_broken(cfg, run):
    for step in range(1, 100):
        run.log(step, **{"train/loss": float("nan") if step == 3 else 1.0})
        if step == 3:
            raise ValueError("the evaluation takes no NaN")


def logs_values(cfg, run):
    run.log(cfg.step, **{"metric": cfg.value})


def shows_environment(cfg, run):
    run.artifact("environment.json").write_text(json.dumps(dict(os.environ)))
    run.artifact("cwd").write_text(str(Path.cwd()))


def draws(cfg, run):
    import random

    drawn = [random.random(), run.stream("init"), run.stream("order")]
    if cfg.get("numpy"):
        import numpy as np

        drawn.append(float(np.random.random()))
    run.artifact("drawn.json").write_text(json.dumps(drawn))


def imports_paddle(cfg, run):
    import paddle  # noqa: F401


def imports_missing(cfg, run):
    import paddle_that_is_not_there  # noqa: F401


def prints_modules(cfg, run):
    run.artifact("modules.json").write_text(json.dumps(sorted(sys.modules)))
