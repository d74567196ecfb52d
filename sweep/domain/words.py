"""The enum base that every vocabulary of this package uses."""

from enum import Enum


class StrEnum(str, Enum):
    """A string enum as in Python 3.11's `enum.StrEnum` (this project still runs on 3.10)."""

    def __str__(self) -> str:
        return str(self.value)
