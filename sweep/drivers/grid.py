"""The grid driver: every cell of a fixed design over every seed."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

from sweep.config.values import Section
from sweep.domain.axis import Cell, in_order
from sweep.domain.kinds import StudyKind
from sweep.domain.plural import count_text
from sweep.domain.trial import Outcome
from sweep.drivers.protocol import DriverInput, Expected, Proposal


class Grid:
    """A study by a fixed design: `design` names it."""

    kind: ClassVar[StudyKind] = StudyKind.ABLATION
    takes_params: ClassVar[bool] = False
    needs_space: ClassVar[bool] = False

    def __init__(self, given: DriverInput) -> None:
        """Read the settings. Raises ConfigError."""
        section = Section(given.settings, "driver", ("design",))
        self.settings: Mapping[str, object] = dict(given.settings)
        self._design = given.designs[str(section.get("design"))]
        self._axes, self._seeds = given.axes, given.seeds

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of the design. Raises ConfigError if the design does not suit the axes."""
        return self._design(self._axes)

    def accepts(self, cell: Cell, seed: int) -> bool:
        """Return whether the design has this trial."""
        return cell in self.cells and seed in self._seeds

    def expected(self) -> Expected:
        """Return the number of trials of the design."""
        trials = self.build().expected_trials()
        return Expected(trials=trials, summary=count_text(trials, "trial"))

    def build(self) -> "GridDriver":
        """Return the driver."""
        return GridDriver(self.cells, self._seeds)


class GridDriver:
    """Proposes each (cell, seed) once, in the order of `in_order`.

    Cells and seeds named twice count once. Outcomes never change the plan.
    """

    prunes: ClassVar[bool] = False
    pauses: ClassVar[bool] = False

    def __init__(self, cells: Sequence[Cell], seeds: Sequence[int]) -> None:
        pairs = in_order(tuple(dict.fromkeys(cells)), tuple(dict.fromkeys(seeds)))
        self._plan = tuple(Proposal(cell, seed) for cell, seed in pairs)
        self._left = iter(self._plan)
        self._known: set[Proposal] = set()

    def ask(self, count: int) -> Sequence[Proposal]:
        """Return the next trials of the plan, at most `count`, without those already told, adopted or proposed."""
        proposals: list[Proposal] = []
        while len(proposals) < count:
            proposal = next(self._left, None)
            if proposal is None:
                break
            if proposal not in self._known:
                proposals.append(proposal)
        return tuple(proposals)

    def tell(self, outcome: Outcome) -> None:
        """Record that this trial is done; one outside the plan (a larger earlier study) is ignored."""
        self._known.add(Proposal(outcome.cell, outcome.seed))

    def adopt(self, proposal: Proposal) -> None:
        """Record that this trial is already out."""
        self._known.add(proposal)

    def should_prune(self, proposal: Proposal, step: int, value: float) -> bool:  # noqa: ARG002 - the protocol's signature
        """Return False: a fixed design gives every trial its whole budget, or the cells could not be compared."""
        return False

    def expected_trials(self) -> int:
        """Return the number of trials in the plan, including those told on resume."""
        return len(self._plan)
