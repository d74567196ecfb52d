"""Paths of a study's files (docs/studies.md, Files). The only place that knows paths below `results/`."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.rundir.events import Event, read_events
from sweep.rundir.files import naming, read_json, write_json_atomic
from sweep.rundir.places import results_of
from sweep.rundir.result import read_result

if TYPE_CHECKING:  # not needed by a trial's process
    from sweep.domain.trial import StudyRecord

RUN_VARIABLE = "SWEEP_RUN_DIR"
"""Environment variable with the run's folder, absolute, in all its processes, which identifies them as ours."""

PYTHONPATH_VARIABLE = "SWEEP_PYTHONPATH"
"""Environment variable of a run's process with the user's own PYTHONPATH, to which ours is added."""

_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False).encode

TAIL_BYTES = 8192
"""Bytes of the end of a log that are read to say how a run ended."""

PLAN, TRIALS = "plan.json", "trials"
_SPEC, _EVENTS, _RESULT, _LOG = "spec.json", "events.jsonl", "result.json", "out.log"


def shown(path: Path | str) -> str:
    """Return a path for display: relative to the current folder if it is inside."""
    path = Path(path)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


@dataclass(frozen=True, slots=True)
class RunDir:
    """The folder of one run. Its methods name files as text: making a Path takes longer than opening such a file."""

    path: Path

    @property
    def spec(self) -> Path:
        """The specification of the run: written before it starts, read by its process."""
        return self.path / _SPEC

    @property
    def events(self) -> Path:
        """What the run logged, one JSON line per event."""
        return self.path / _EVENTS

    @property
    def result(self) -> Path:
        """How the run ended, written by itself at its end."""
        return self.path / _RESULT

    @property
    def ending(self) -> Path:
        """How the run ended as the orchestrator saw it; exists if result.json does not say it."""
        return self.path / "ending.json"

    @property
    def log(self) -> Path:
        """Standard output and standard error of the run's processes."""
        return self.path / _LOG

    @property
    def visualdl(self) -> Path:
        """The run's VisualDL log directory."""
        return self.path / "vdl"

    @property
    def artifacts(self) -> Path:
        """The folder for files of the task itself."""
        return self.path / "artifacts"

    @property
    def stop(self) -> Path:
        """Exists if the run is to end at its next `log`; holds the reason."""
        return self.path / "stop"

    def write_spec(self, spec: Mapping[str, Any]) -> None:
        """Write spec.json. Raises OSError, ValueError (NaN or an infinity).

        Not atomic: the folder is new, and the run is started only afterwards. A partial file left by a crash is not
        valid JSON, so it is ignored.
        """
        data = _encode(spec).encode() + b"\n"
        file = os.open(f"{self.path}/{_SPEC}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            with naming(self.spec):
                while data:
                    data = data[os.write(file, data) :]
        finally:
            os.close(file)

    def read_spec(self) -> dict[str, Any]:
        """Return the contents of spec.json. Raises OSError, ValueError."""
        spec = read_json(self.spec)
        if not isinstance(spec, dict):
            raise ValueError(f"{self.spec} is not a JSON object")
        return spec

    def open_log(self) -> int:
        """Return a descriptor that appends to out.log, creating it if needed. Raises OSError."""
        return os.open(f"{self.path}/{_LOG}", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def log_tail(self, most_bytes: int = TAIL_BYTES) -> str:
        """Return the end of out.log, empty if there is none. Bytes that are not UTF-8 are replaced."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - most_bytes))
                return file.read(most_bytes).decode("utf-8", errors="replace")
        except OSError:
            return ""

    def read_events(self, from_byte: int) -> tuple[list[Event], int]:
        """Return the events from this byte on, and the byte to continue from next time (`read_events`)."""
        return read_events(f"{self.path}/{_EVENTS}", from_byte)

    def read_result(self) -> dict[str, Any] | None:
        """Return the contents of result.json, None if there is none (`read_result`)."""
        return read_result(f"{self.path}/{_RESULT}")

    def is_of(self, identity: Mapping[str, Any]) -> bool:
        """Return whether spec.json has all these values; False if it cannot be read."""
        try:
            spec = self.read_spec()
        except (OSError, ValueError):
            return False
        return all(spec.get(name) == value for name, value in identity.items())

    def write_ending(self, ending: Mapping[str, Any]) -> None:
        """Write ending.json. Raises OSError, ValueError (NaN or an infinity)."""
        write_json_atomic(self.ending, ending, is_durable=False)

    def request_stop(self, reason: str) -> None:
        """Ask the run to end at its next `log` as stopped for `reason` (a StopReason). Asking again changes nothing."""
        if self.stop.exists():
            return
        temporary = self.path / f".stop.{os.getpid()}.tmp"  # readers find all of it, or nothing
        temporary.write_text(reason, encoding="utf-8")
        temporary.replace(self.stop)

    def renew(self, *, attempt: int) -> None:
        """Create the folder, empty. What attempt `attempt` - 1 left there is kept beside it as `<n>.attempt-<k>`."""
        try:
            os.mkdir(self.path)  # noqa: PTH102 - the folder above exists except for the first run
        except FileNotFoundError:
            self.path.mkdir(parents=True)
        except FileExistsError:
            self.path.rename(self._free_name(max(attempt - 1, 0)))
            self.path.mkdir()

    def _free_name(self, attempt: int) -> Path:
        # Already exists if an orchestrator died between renaming and recording: nothing is overwritten then either.
        names = [f"{self.path.name}.attempt-{attempt}"]
        names += [f"{names[0]}.{n}" for n in range(1, 1000)]
        return next(free for name in names if not (free := self.path.with_name(name)).exists())


def written_in(run: RunDir, number: int) -> Path:
    """Return where a run keeps what its program writes in its folders: `number` counts these from 1."""
    return run.path / ("written" if number == 1 else f"written_{number}")


def studies_beside(run: RunDir) -> tuple[Path, ...]:
    """Return what belongs to sweep around a run, links resolved: the results folder if it holds nothing else, or the
    studies and stores in it. The run's own folder if it is in no study."""
    path = Path(os.path.realpath(run.path))
    study = path.parent.parent
    if path.parent.name != TRIALS:
        return (path,)
    entries = list(study.parent.iterdir())
    ours = [entry for entry in entries if entry == study or _is_ours(entry)]
    return (study.parent,) if len(ours) == len(entries) else tuple(sorted(ours))


def _is_ours(entry: Path) -> bool:
    return any(mark in entry.name for mark in (".db", ".db-")) if entry.is_file() else (entry / PLAN).is_file()


@dataclass(frozen=True)  # no slots: the run folder's parent is computed once
class StudyDir:
    """The folder of one study: `<results>/<study>`."""

    results: Path
    study: str

    @classmethod
    def of(cls, record: "StudyRecord") -> "StudyDir":
        """Return the folder of a recorded study, absolute (`places`)."""
        return cls(results_of(record), record.name)

    @cached_property
    def path(self) -> Path:
        """The study's folder."""
        return self.results / self.study

    @property
    def plan(self) -> Path:
        """What is to be run."""
        return self.path / PLAN

    @property
    def record(self) -> Path:
        """What only the store knows about the study when a session ends: needed to rebuild the store from the
        folders."""
        return self.path / "record.json"

    @property
    def summary(self) -> Path:
        """The results (docs/summary.md, stable schema)."""
        return self.path / "summary.json"

    @property
    def report_html(self) -> Path:
        """The report as one self-contained page."""
        return self.path / "report.html"

    @property
    def lock(self) -> Path:
        """The file that the study's orchestrator holds locked."""
        return self.path / "driver.lock"

    @property
    def log(self) -> Path:
        """The orchestrator's decisions, one per line; earlier lines are in `orchestrator.log.1`."""
        return self.path / "orchestrator.log"

    @cached_property
    def trials(self) -> Path:
        """The folder of the runs."""
        return self.path / TRIALS

    def trial(self, number: int) -> RunDir:
        """Return the folder of trial `number`: always of its latest attempt."""
        return RunDir(self.trials / str(number))

    def results_found(self) -> int:
        """Return the number of trials with a result.json."""
        return sum(1 for _ in self.trials.glob("*/result.json"))

    def clear_unfinished(self) -> None:
        """Remove temporary files of an orchestrator that died while writing. Only for the lock's holder."""
        for file in self.path.glob(".*.tmp"):
            file.unlink(missing_ok=True)
