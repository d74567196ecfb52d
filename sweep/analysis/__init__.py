"""From verdicts to effects, repairs and a ranking. Pure functions; SciPy does the statistics (docs/method.md).

the ranking of a study
  ranking          from all outcomes to one ranking
  table            outcomes as cells by seeds; every comparison reads it
  compare          which trials the design compares for each toggle, and the test
  effects          status and rank of each toggle, and the seeds that would decide
  repairs          minimal repairs, needed toggles, interactions of pairs
  choice           the recommended repair, its ties, and the reason

the sentences of an answer
  answer           the answer of a study
  exceptions       what only a minority of trials showed
  places           on which lines of a script a toggle acts
  suggestion       a suggested change of a script's lines
  same_curves      seeds that change nothing
  faults           faults of code or data that no setting removes
  logging          steps, metric or target that do not fit each other
  unlogged         studies whose trials never logged the metric
  reported         the series that a program reported

checks and diagnoses
  checks           what the trials of a check showed, one module each
  findings         what the stages of a diagnosis have found so far
  diagnosis        from the results of all stages to one paragraph

several studies
  compare_studies  two studies, paired by cell and seed
  regression       nights against accepted baselines
"""

from sweep.analysis.ranking import rank

__all__ = ["rank"]
