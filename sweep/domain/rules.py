"""The version of the rules that turn what a run logged into a verdict (docs/method.md).

1: the rules of sweep 0.1; recorded verdicts without a version are of this one. Any metric with "loss" in its name could
end a run, and losses were compared after smoothing of fixed length.

2: one series decides whether the target is met and one whether the run diverged; everything logged at the last step
counts.
"""

RULES_VERSION = 2
"""Increased whenever the same curves may get another verdict; verdicts of older versions are then judged again."""
