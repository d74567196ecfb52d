"""Statistics and prior factors: functions from data to data.

  exact   proportions with their intervals, exact and permutation tests, Holm, Kaplan-Meier medians
  priors  from the symptoms of a base to what is worth trying first

The analysis judges with them, and a driver may choose its next trial with them.
"""
