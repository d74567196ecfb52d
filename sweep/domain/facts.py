"""Names of the facts that a run records of how its task logs. Standard library only."""

STEPS = "log/steps"
"""What was found of the logged steps (`sweep.domain.steps.findings_text`)."""

RETURNED = "log/returned"
"""What `train` returned, in a few words: results that were to be logged, most likely."""

LATE = "log/late"
"""The step, beyond the budget, at which the metric that decides was logged for the first time: too late to count."""
