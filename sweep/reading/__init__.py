"""Studies read from Python: `sweep.open_store()` and what it leads to (docs/notebook.md).

A store gives studies, a study its trials, curves and ranking. Attributes are as they were when the object was made;
methods read the store again, so that calling them again shows how far a running study has come by then.
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
