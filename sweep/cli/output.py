"""Machine-readable output of the verbs: strict JSON."""

import json
from collections.abc import Mapping
from typing import TypeVar

from sweep.domain.enums import StrEnum

T = TypeVar("T", bound=StrEnum)


def by_word(counts: Mapping[T, int]) -> dict[str, int]:
    """Return the counts with the text of the enum's members as keys."""
    return {str(word): count for word, count in counts.items()}


def print_json(data: object) -> int:
    """Print data as strict JSON; return the exit code 0."""
    print(json.dumps(data, indent=2, allow_nan=False))
    return 0
