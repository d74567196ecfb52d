"""Statistics and prior factors: functions from data to data.

  exact   proportions with their intervals, exact and permutation tests, Holm, Kaplan-Meier medians
  priors  from the symptoms of a base to what is worth trying first

Analysis and drivers use them.
"""
