"""Trials that change everything about their process that can be changed, and one that reports what it finds.

`_target_: state_tasks.<name>`, this folder on PYTHONPATH. `reports` is what the trial after them sees.
"""

import atexit
import ctypes
import gc
import importlib.util
import json
import locale
import math
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
import warnings
import weakref
from pathlib import Path

import numpy as np

SHARED = {"prepared": [], "counter": 0}
FOLDER = tempfile.TemporaryDirectory()  # removed at exit: by this process, not by a fork of it
print("imported")


def prepare(cfg):
    if not SHARED["prepared"]:
        SHARED["prepared"].append(float(np.random.random()))


def reports(cfg, run):
    """Write what the process is like; whatever differs from run to run by design is left out."""
    here = str(run.dir)
    files = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            files[entry.name] = str(entry.readlink()).replace(here, "RUN")
        except OSError:
            continue
    found = {
        "environ": {name: value.replace(here, "RUN") for name, value in os.environ.items()},
        "argv": [word.replace(here, "RUN") for word in sys.argv],
        "cwd": str(Path.cwd()),
        "umask": os.umask(0o22),
        "limits": resource.getrlimit(resource.RLIMIT_NOFILE),
        "files": files,
        "leads": os.getsid(0) == os.getpid() == os.getpgid(0),
        "signals": {str(n): str(signal.getsignal(n)).partition(" at ")[0] for n in (1, 2, 10, 13, 14, 15)},
        "blocked": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
        "threads": [threading.active_count(), sum(1 for _ in Path("/proc/self/task").iterdir())],
        "children": len(multiprocessing.active_children()),
        "path": sys.path,
        "recursion": sys.getrecursionlimit(),
        "trace": str(sys.gettrace()),
        "gc": [gc.isenabled(), gc.get_threshold()],
        "warnings": len(warnings.filters),
        "locale": locale.setlocale(locale.LC_ALL),
        "numpy": np.geterr(),
        "sqrt": math.sqrt(4.0),
        "shared": SHARED,
        "folder": Path(FOLDER.name).is_dir(),
        "drawn": [random.random(), float(np.random.random())],
        "nice": os.nice(0),
        "added": importlib.util.find_spec("added_by_a_trial") is not None,
    }
    run.artifact("report.json").write_text(json.dumps(found, sort_keys=True, default=str))
    run.log(1, loss=1.0)


def patches(cfg, run):
    math.sqrt = lambda x: -1.0
    SHARED["counter"] += 1
    SHARED["prepared"].append("spoilt")
    random.seed(99)
    np.random.seed(99)
    np.seterr(all="raise")
    warnings.simplefilter("error")
    sys.path.insert(0, "/nowhere")
    sys.setrecursionlimit(321)
    sys.modules["added_by_a_trial"] = math
    gc.disable()
    run.log(1, loss=1.0)


def changes_the_process(cfg, run):
    os.environ["ADDED_BY_A_TRIAL"] = "1"
    os.environ["OMP_NUM_THREADS"] = "17"
    os.environ.pop("HOME", None)
    os.chdir(run.dir)
    os.umask(0o77)
    os.nice(1)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    os.closerange(0, 1)
    run.log(1, loss=1.0)


def leaves_threads(cfg, run):
    for _ in range(3):
        threading.Thread(target=time.sleep, args=(600,)).start()
    run.log(1, loss=1.0)


def forks_workers(cfg, run):
    """As a data loader does; some are left behind."""
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        total = sum(pool.map(abs, [-1, -2]))
    context.Process(target=time.sleep, args=(600,), daemon=True).start()
    if os.fork() == 0:
        time.sleep(600)
    run.log(1, loss=float(total))


def segfaults(cfg, run):
    run.log(1, loss=1.0)
    ctypes.string_at(0)


def leaves_at_once(cfg, run):
    run.log(1, loss=1.0)
    os._exit(0)


def aborts(cfg, run):
    os.abort()


def leaves_work_for_its_exit(cfg, run):
    """Whatever its process does at exit; it adds something of its own to that."""
    atexit.register((run.dir / "at_exit").touch)
    weakref.finalize(FOLDER, (run.dir / "finalized").touch)
    run.log(1, loss=1.0)


def waits(cfg, run):
    """Go on until asked to stop; the pid of the parent is left for the test."""
    run.artifact("parent").write_text(str(os.getppid()))
    for step in range(10**9):
        run.log(step, loss=1.0)
        time.sleep(0.01)


def tells_parent(cfg, run):
    run.artifact("parent").write_text(str(os.getppid()))
    run.log(1, loss=1.0)
