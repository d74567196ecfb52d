"""A probe: what a trial does with its task instead of plain training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sweep.domain.words import StrEnum


class ProbeName(StrEnum):
    """The probes there are. The worker has one module of this name for each (worker/probes)."""

    DATA = "data"  # looks at what the task trains on
    OVERFIT = "overfit"  # trains on ten samples until they are learnt
    LR_RANGE = "lr_range"  # trains with a learning rate that rises step by step


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One probe with its settings: plain data, the keys of `probe:` in the config beside `name`."""

    name: ProbeName
    settings: Mapping[str, Any] = field(hash=False)

    def to_mapping(self) -> dict[str, Any]:
        """Return the `probe` section of spec.json."""
        return {"name": str(self.name), **self.settings}

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> "Probe":
        """Return the probe of a `probe` section. Raises KeyError, ValueError for one that is none."""
        return cls(name=ProbeName(data["name"]), settings={k: v for k, v in data.items() if k != "name"})
