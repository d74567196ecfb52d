"""Reads studies from Python: `sweep.open_store()` and the objects that it gives access to (docs/notebook.md).

A store has studies; a study has trials, curves and a ranking. Attributes have the values at the time the object was
made. Methods read the store each time, so calling them again shows the progress of a running study.
"""

from sweep.reading.curves import Curve, Curves
from sweep.reading.ranking import RankedRepair, RankedToggle, Ranking
from sweep.reading.stores import StudyStore, open_store
from sweep.reading.studies import Study
from sweep.reading.trials import Trial, Trials

__all__ = [
    "Curve",
    "Curves",
    "RankedRepair",
    "RankedToggle",
    "Ranking",
    "Study",
    "StudyStore",
    "Trial",
    "Trials",
    "open_store",
]
