"""A check: what a trial does with its task instead of plain training. Its results are in sweep.domain.checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from sweep.domain.enums import StrEnum


class CheckName(StrEnum):
    """The checks. Each has a module of this name in sweep/worker/checks, sweep/analysis/checks, sweep/report/stages."""

    DATA = "data"  # checks the data that the task trains on
    OVERFIT = "overfit"  # trains on ten samples until the model overfits them
    INVENTORY = "inventory"  # runs a script to its end, and records what the knobs could change in it
    LR_RANGE = "lr_range"  # trains with a learning rate that rises step by step


CHECK_REASON = "a probe: not trained to the target"
"""Why a check's trial has no verdict. Stores hold this text, so it must not change."""

FINDINGS = "findings.json"
"""The artifact with the findings of a check's run: one JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check with its settings: plain data, the keys of `probe:` in the config beside `name`."""

    name: CheckName
    settings: Mapping[str, object] = field(hash=False)

    def number(self, key: str) -> float:
        """Return a setting that is a number. Raises KeyError."""
        return float(cast("float", self.settings[key]))

    def whole(self, key: str) -> int:
        """Return a setting that is a whole number. Raises KeyError."""
        return int(cast("int", self.settings[key]))

    def to_mapping(self) -> dict[str, object]:
        """Return the `probe` section of spec.json."""
        return {"name": str(self.name), **self.settings}

    @classmethod
    def from_mapping(cls, data: Mapping[str, object]) -> "Check":
        """Return the check of a `probe` section. Raises KeyError, ValueError if it is not one."""
        return cls(name=CheckName(str(data["name"])), settings={k: v for k, v in data.items() if k != "name"})
