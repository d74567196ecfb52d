"""Runs of the programs in tests/scripts, by hand and as trials, and what each left: printed lines, losses, files."""

import json
import os
import re
import runpy
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from program_table import KNOBS, Program
from script_runs import Ran, forked, hosted, run_folder

from sweep.rundir import points_of, read_events
from sweep.rundir.paths import written_in

TIMES = re.compile(
    r"\d+[mu]?s/step|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+|batch_cost: [\d.]+s"  # hapi, logging, PaddleClas's style
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a run left. `losses` by the program's line, of each backward pass or step; `files` it wrote, by path."""

    code: int
    lines: tuple[str, ...]
    losses: dict[str, list[float]]
    files: dict[str, bytes]


def run_by_hand(program: Program, project: Path) -> Left:
    """Run a program in a new copy of its folder as `python SCRIPT` would, in a fork that has imported paddle only."""
    program.copy(project)
    output, record = project.with_name("by_hand.log"), project.with_name("by_hand.losses")
    asked = {"entry": program.entry, "args": list(program.args), "output": str(output), "record": str(record)}
    code = hosted(cwd=project, by_hand=asked)
    losses: dict[str, list[float]] = {}
    for line in record.read_text().splitlines() if record.exists() else ():
        where, value = json.loads(line)
        losses.setdefault(where, []).append(value)
    return Left(
        code=code,
        lines=lines_of(output.read_text(errors="replace")),
        losses=losses,
        files=files_of(project, but=program.folder),
    )


def train_by_hand(*, entry: str, args: list[str], output: str, record: str) -> NoReturn:
    """Become a program, in the current folder. Called in a fork of the host."""
    import paddle

    code, project = 70, Path.cwd()
    try:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.dont_write_bytecode = True
        sys.argv[:] = [entry, *args]
        folder = (project / entry).parent
        sys.path[0:0] = [str(folder)]
        record_losses(paddle, project, folder, Path(record))
        runpy.run_path(str(project / entry), run_name="__main__")
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def record_losses(paddle: Any, project: Path, folder: Path, record: Path) -> None:
    """Write the mean loss of each backward pass with the program's line, at once: a program may leave by os._exit.

    Lines are named relative to `folder`, the script's own.
    """
    backward = paddle.Tensor.backward
    file = record.open("w", buffering=1)

    def recorded(tensor: Any, *args: Any, **kwargs: Any) -> Any:
        frame = sys._getframe(1)
        while project not in Path(frame.f_code.co_filename).parents and frame.f_back is not None:
            frame = frame.f_back
        where = f"{os.path.relpath(frame.f_code.co_filename, folder)}:{frame.f_lineno}"
        file.write(json.dumps([where, float(tensor.mean())]) + "\n")
        return backward(tensor, *args, **kwargs)

    paddle.Tensor.backward = recorded


def run_as_trial(program: Program, project: Path, *, n: int = 0, **task: Any) -> tuple[Left, Ran]:
    """Run a program in a new copy of its folder as a trial, with all knobs null and its own seeds by default."""
    program.copy(project)
    folder = run_folder(
        project.with_name("results") / "study" / "trials" / str(n),
        program.entry,
        **{"seeding": "script", "args": list(program.args), **task},
    )
    ran = forked(folder, cwd=project)
    return Left(
        code=ran.code, lines=lines_of(ran.log), losses=logged_losses(ran), files=files_of(written_in(folder, 1))
    ), ran


def logged_losses(ran: Ran) -> dict[str, list[float]]:
    """Return the losses that a trial recorded, by the program's line."""
    points = points_of(read_events(ran.folder.events, 0)[0])
    sites = {site["series"]: site["where"] for site in ran.inventory["losses"]}
    return {where: list(map(float, points[series].values)) for series, where in sites.items()}


def metrics_of(ran: Ran) -> set[str]:
    """Return the series that the program reported, by its own name."""
    return {name for name in ran.inventory["metrics"] if not name.startswith("step/loss")}


def parts_of(ran: Ran) -> set[str]:
    """Return the parts that a trial found for the knobs of the table, as `KNOB VALUE LINE`."""
    parts = [part for part in ran.inventory["parts"] if part["knob"] in KNOBS]
    return {f"{part['knob']} {part['value']} {part['where']}" for part in parts}


def lines_of(text: str) -> tuple[str, ...]:
    """Return the printed lines without times and progress bars, sorted: two streams may come in any order."""
    lines = [re.sub(TIMES, "TIME", line) for line in re.split(r"[\r\n]+", text)]
    return tuple(sorted(line for line in lines if line.strip() and "%|" not in line))


def files_of(folder: Path, *, but: Path | None = None) -> dict[str, bytes]:
    """Return the files of a folder that are not alike in folder `but`. `*` is the time in a VisualDL log's name."""
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    found = {re.sub(r"\.\d{10}\.", ".*.", str(path.relative_to(folder))): path.read_bytes() for path in paths}
    before = {} if but is None else files_of(but)
    return {name: content for name, content in found.items() if before.get(name) != content}
