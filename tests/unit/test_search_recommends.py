"""What a search recommends."""

import making
import pytest

from sweep.analysis.ranking import rank
from sweep.domain.axis import Cell
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Verdict

TARGET = Target(metric="loss", mode=Mode.MIN, threshold=0.5, hold=None, budget_steps=100, stop_early=True)


@pytest.mark.parametrize(
    ("verdict", "recommended"), [(Verdict.CONVERGED, ("task.lr=0.1",)), (Verdict.STALLED, ()), (Verdict.UNDECIDED, ())]
)
def test_a_point_is_recommended_only_if_it_converged(verdict, recommended):
    found = [
        making.outcome(number=number, cell=Cell(params=(("task.lr", value),)), verdict=verdict, best=best)
        for number, (value, best) in enumerate([("0.1", 0.4), ("0.01", 0.45)])
    ]
    assert rank(found, [], TARGET).recommended == recommended
