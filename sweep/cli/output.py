"""How verbs print for programs: records as plain data, as strict JSON."""

import json
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from sweep.domain.axis import Cell
from sweep.rundir.events import number_text


def plain(value: Any) -> Any:
    """Return records as JSON can say them: cells by their key, times as ISO 8601, NaN and infinities by name."""
    if isinstance(value, Cell):
        return value.key
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
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
