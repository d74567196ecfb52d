"""A driver that decides as it learns, for tests: it repeats whatever converged on seeds of its own choosing."""

from collections.abc import Sequence
from typing import ClassVar

from sweep.config.values import Section
from sweep.domain.axis import BASE, Cell
from sweep.domain.kinds import StudyKind
from sweep.domain.trial import Outcome
from sweep.drivers.protocol import DriverInput, Expected, Price, Proposal


class Confirming:
    """Each single toggle once, on the study's first seed; what converges again on `fresh` seeds after the study's."""

    kind: ClassVar[StudyKind] = StudyKind.ABLATION
    takes_params: ClassVar[bool] = False
    needs_space: ClassVar[bool] = True
    cells: ClassVar[None] = None

    def __init__(self, given: DriverInput) -> None:
        section = Section(given.settings, "driver", ("fresh",))
        self.settings = {"fresh": section.integer("fresh", low=1, high=9)}
        self.singles = (BASE, *(Cell.of([toggle]) for axis in given.axes for toggle in axis.toggles))
        self.seed = given.seeds[0]
        self.fresh = tuple(max(given.seeds) + 1 + n for n in range(self.settings["fresh"]))

    def accepts(self, cell: Cell, seed: int) -> bool:
        return cell in self.singles and seed >= 0

    def expected(self) -> Expected:
        most = len(self.singles) * (1 + len(self.fresh))
        return Expected(
            trials=most,
            summary="each toggle, then what converges",
            candidates=self.singles[1:],
            price=Price(healthy=1.0, typical=len(self.singles) + 2.5, none=len(self.singles), cap=most),
        )

    def build(self) -> "ConfirmingDriver":
        return ConfirmingDriver(self)


class ConfirmingDriver:
    prunes: ClassVar[bool] = False

    def __init__(self, spec: Confirming) -> None:
        self.spec = spec
        self.known: set[Proposal] = set()
        self.wanted = [Proposal(cell, spec.seed) for cell in spec.singles]

    def ask(self, count: int) -> Sequence[Proposal]:
        new = [each for each in self.wanted if each not in self.known][:count]
        self.known.update(new)
        return new

    def tell(self, outcome: Outcome) -> None:
        self.known.add(Proposal(outcome.cell, outcome.seed))
        if outcome.converged and outcome.seed == self.spec.seed:
            self.wanted += [Proposal(outcome.cell, seed) for seed in self.spec.fresh]

    def adopt(self, proposal: Proposal) -> None:
        self.known.add(proposal)

    def should_prune(self, proposal: Proposal, step: int, value: float) -> bool:
        return False

    def expected_trials(self) -> int | None:
        return None
