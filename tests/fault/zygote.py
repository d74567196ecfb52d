"""A process that has imported sweep and forks an orchestrator per request: a real one to kill, without 2 s of imports.

Each line on standard input is a JSON request: `cwd`, `argv`, `env` (what to change), `out` (path of what it prints).
Its pid is written to `<out>.pid`, and its exit code (negative for a signal) to `<out>.code` once it ended.
"""

import json
import os
import signal
import sys
from pathlib import Path

import sweep.cli.act
import sweep.cli.main
import sweep.cli.run
import sweep.config.study
import sweep.drivers
import sweep.report.html
import sweep.report.terminal
import sweep.study.run_by_kind
import sweep.study.session
from sweep.study.results import load_reports

load_reports()


def serve() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            watch(json.loads(line))
            os._exit(0)


def watch(request: dict) -> None:
    """Fork the orchestrator and record how it ends."""
    out = Path(request["out"])
    pid = os.fork()
    if pid == 0:
        run(request, out)
    write(Path(f"{out}.pid"), pid)
    write(Path(f"{out}.code"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def run(request: dict, out: Path) -> None:
    code = 70
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        printed = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number, stream in ((null, 0), (printed, 1), (printed, 2)):
            os.dup2(number, stream)
        os.chdir(request["cwd"])
        for name, value in request["env"].items():
            os.environ[name] = value
        sys.path[0] = request["cwd"]
        sys.argv = ["sweep", *request["argv"]]
        code = sweep.cli.main.main(request["argv"])
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def write(path: Path, number: int) -> None:
    temporary = path.with_suffix(path.suffix + ".tmp")
    temporary.write_text(str(number))
    temporary.rename(path)


if __name__ == "__main__":
    serve()
