"""What the trials of a check showed: pure functions, one module for each check.

what the task trains on
  data         one line for each thing looked at
  data_inputs  those of inputs: shapes, numbers, scale, what never changes, what is in both sets
  data_labels  those of labels: type, range, balance, and whether they go with the inputs
  data_rows    the labels of a stretch of rows
  data_model   data and model together

how it trains
  overfit      the overfit gate
  lr_range     the range tests of several seeds together
  lr_curve     the curve of one range test
  lr_confirm   the trials around the rate that they suggest
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from sweep.analysis.checks import data, lr_range, overfit
from sweep.domain.check import CheckName
from sweep.domain.checked import CheckContext, CheckResult, CheckTrial

Reader: TypeAlias = Callable[[Sequence[CheckTrial], CheckContext], CheckResult]

READERS: Mapping[CheckName, Reader] = {
    CheckName.DATA: data.read_check,
    CheckName.OVERFIT: overfit.read_check,
    CheckName.LR_RANGE: lr_range.read_check,
}
"""What reads the trials of each check that have ended, in the order of their numbers."""


def read_check(trials: Sequence[CheckTrial], context: CheckContext) -> CheckResult:
    """Return what these trials of a check showed."""
    return READERS[context.check.name](trials, context)
