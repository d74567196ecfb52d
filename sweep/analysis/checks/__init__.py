"""What the trials of a check showed: pure functions, one module for each check.

what the task trains on
  data         one line for each check of the data
  data_inputs  checks of inputs: shape, type, scale, constant features, overlap of both sets
  data_labels  checks of labels: type, range, balance, and whether they match the inputs
  data_rows    the labels of a stretch of rows
  data_model   data and model together

how it trains
  overfit      the overfit gate
  lr_range     the learning-rate range tests of several seeds together
  lr_curve     the curve of one range test
  lr_confirm   the trials around the suggested rate
  inventory    what a script has that the knobs could change
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from sweep.analysis.checks import data, inventory, lr_range, overfit
from sweep.domain.check import CheckName
from sweep.domain.checked import CheckContext, CheckResult, CheckTrial

Reader: TypeAlias = Callable[[Sequence[CheckTrial], CheckContext], CheckResult]

READERS: Mapping[CheckName, Reader] = {
    CheckName.DATA: data.read_check,
    CheckName.OVERFIT: overfit.read_check,
    CheckName.LR_RANGE: lr_range.read_check,
    CheckName.INVENTORY: inventory.read_check,
}
"""The reader of each check. It takes the trials that have ended, ordered by number."""


def read_check(trials: Sequence[CheckTrial], context: CheckContext) -> CheckResult:
    """Return what these trials of a check showed."""
    return READERS[context.check.name](trials, context)
