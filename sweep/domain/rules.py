"""The version of the rules that turn what a run logged into a verdict (docs/method.md).

1: the rules of sweep 0.1; verdicts on record without a version are theirs. Any metric with "loss" in its name could end
   a run, and losses were compared with a smoothing of fixed length.
2: one series decides whether the target is met and one whether the run has diverged; all of the last step counts.
"""

RULES_VERSION = 2
"""Raised whenever the same curves may get another verdict: verdicts of older versions are then made again."""
