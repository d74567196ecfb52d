"""What the reading verbs share: their parser, the study meant, and how records are printed."""

import json
from dataclasses import is_dataclass, replace
from datetime import datetime
from typing import Any

from rich.console import Console, RenderableType

from sweep.cli.main import Parser, verb_parser
from sweep.domain.trial import StudyRecord
from sweep.errors import NotFoundError
from sweep.rundir import StudyDir, StudyLock
from sweep.rundir.events import number_text
from sweep.store import Regressions, Store


def read_parser(name: str, *, has_study: bool = True, has_json: bool = True) -> Parser:
    """Return the parser of a reading verb."""
    parser = verb_parser(name)
    if has_study:
        parser.add_argument("study", nargs="?", help="the study (default: the latest)")
    if has_json:
        parser.add_argument("--json", action="store_true", help="machine-readable output")
    return parser


def chosen_study(store: Store, name: str | None) -> StudyRecord:
    """Return the study of this name, the latest where none is given. Raises NotFoundError."""
    if name and store.find_study(name) is None and name in Regressions(store).names():
        raise NotFoundError(
            f"{name} is a nightly regression, not a study",
            hint=f"its report is {name}/report.html in its results folder; each task of each night is a study: "
            "`python -m sweep ls`",
        )
    return store.study(name) if name else store.latest_study()


def lock_of(study: StudyRecord) -> StudyLock | None:
    """Return the lock that a study's driver holds, None where its folder is not found from here."""
    path = StudyDir.of(study).lock
    return StudyLock(path) if path.exists() else None


def as_it_stands(study: StudyRecord) -> StudyRecord:
    """Return a study that is recorded as running, and that no driver holds any more, as `interrupted`.

    Its driver was killed. Where its folder is not found from here, nothing is known of that.
    """
    lock = lock_of(study)
    if study.status == "running" and lock is not None and lock.holder() is None:
        return replace(study, status="interrupted")
    return study


def plain(value: Any) -> Any:
    """Return records as JSON can say them: cells by their key, times as ISO 8601, NaN and infinities by name."""
    if hasattr(value, "sorted_toggles"):
        return value.key
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return number_text(value) if isinstance(value, float) else value


def print_json(data: object) -> int:
    """Print data as strict JSON; return the exit code 0."""
    print(json.dumps(data, indent=2, allow_nan=False))
    return 0


def print_rich(what: RenderableType) -> int:
    """Print what a person reads; return the exit code 0."""
    Console().print(what)
    return 0
