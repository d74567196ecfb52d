"""The base class of all enums with text values."""

from enum import Enum


class StrEnum(str, Enum):
    """A string enum like Python 3.11's `enum.StrEnum` (sweep still supports Python 3.10)."""

    def __str__(self) -> str:
        return str(self.value)
