"""The data that a report is made from. Everything is passed in: nothing here reads the store or the disk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.domain.axis import Axis
from sweep.domain.effect import Question, Ranking
from sweep.domain.metric import Series
from sweep.domain.target import Target
from sweep.domain.trial import Outcome, StudyRecord

if TYPE_CHECKING:
    from sweep.report.documents import RankingDocument
    from sweep.report.regression.document import NightDocument
    from sweep.report.staged import StagedDocument

Curves = Mapping[int, Mapping[str, Series]]
"""Trial number -> metric -> series. May read lazily: a trial is looked up at most once, and only if it is drawn."""


def no_dir(outcome: Outcome) -> str:  # noqa: ARG001 - the default of `dir_of`
    """Return "", the folder of a trial that has none."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """One study, ready to be reported.

    `cell_overrides` maps a cell's key to the Hydra overrides that make it from the base; a cell it lacks takes the
    overrides of its toggles from `axes`. `dir_of` returns the folder of a trial as one would type it, "" if it has
    none.
    """

    study: StudyRecord
    axes: tuple[Axis, ...]
    target: Target
    ranking: Ranking
    outcomes: tuple[Outcome, ...]
    curves: Curves = field(default_factory=dict, hash=False)
    cell_overrides: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    dir_of: Callable[[Outcome], str] = field(default=no_dir, compare=False)

    @property
    def task(self) -> str:
        """The task's name."""
        return self.study.task

    @property
    def question(self) -> Question:
        """The question that the study answers."""
        return self.ranking.question


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The input of the report files in `folder`. Only a ranking has `data`: its page draws trials and curves."""

    document: "RankingDocument | StagedDocument | NightDocument"
    folder: Path
    data: ReportData | None = None
