"""The kinds of studies: what the trials do with the task, which determines the result."""

from collections.abc import Mapping, Sequence
from typing import Any

from sweep.domain.check import CheckName
from sweep.domain.enums import StrEnum


class StudyKind(StrEnum):
    """What a study is. Stored with each study; nights are not studies and have their own table."""

    ABLATION = "ablation"  # trains the cells of a design, or the base alone, and ranks them
    SEARCH = "search"  # trains points drawn by a sampler
    DATA = "data"  # checks the data that the task trains on
    OVERFIT = "overfit"  # trains on ten samples until the model overfits them
    LR_RANGE = "lr_range"  # trains with a learning rate that rises step by step
    INVENTORY = "inventory"  # runs a script to its end, and records what the knobs could change in it
    CHECKS = "checks"  # consists of several checks, one after the other
    DIAGNOSIS = "diagnosis"  # consists of stages; each result may decide the next stage

    @property
    def is_staged(self) -> bool:
        """Whether a study consists of other studies: it has no trials, and its summary is made from theirs."""
        return self in (StudyKind.CHECKS, StudyKind.DIAGNOSIS)

    @property
    def is_check(self) -> bool:
        """Whether its trials do something other than train to the target, so that they are not judged."""
        return self in CHECKS_OF_TRIALS

    @property
    def has_verdicts(self) -> bool:
        """Whether its trials are trained and judged."""
        return not (self.is_staged or self.is_check)


CHECKS_OF_TRIALS = (StudyKind.DATA, StudyKind.OVERFIT, StudyKind.LR_RANGE, StudyKind.INVENTORY)
"""The kinds whose trials are not judged; they have the names of their checks."""

_DECIDING_STAGE = "base"
"""The stage that every diagnosis has; later stages depend on how the base did."""


def kind_of(*, stages: Sequence[str], check: CheckName | None) -> StudyKind:
    """Return the kind of a study with these stages and this check (None: its trials are trained).

    Trained trials make an ABLATION; a driver may name another kind for its studies.
    """
    if stages:
        return StudyKind.DIAGNOSIS if _DECIDING_STAGE in stages else StudyKind.CHECKS
    if check is not None:
        return StudyKind(str(check))
    return StudyKind.ABLATION


def kind_in(config: Mapping[str, Any]) -> StudyKind:
    """Return the kind of the study with this recorded config.

    Only for records of versions that stored no kind. These had two drivers, grid and optuna, and studies without one.
    """
    probe, driver = config.get("probe") or {}, config.get("driver") or {}
    kind = kind_of(
        stages=tuple(config.get("stages") or ()),
        check=CheckName(probe["name"]) if probe else None,
    )
    is_search = kind is StudyKind.ABLATION and driver.get("name", "grid") != "grid"
    return StudyKind.SEARCH if is_search else kind
