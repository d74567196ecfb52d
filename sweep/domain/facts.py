"""Names of facts that a run records about how its task logs. Standard library only."""

STEPS = "log/steps"
"""Findings about the logged steps (`sweep.domain.steps.findings_text`)."""

RETURNED = "log/returned"
"""A short description of what `train` returned: probably results that should have been logged."""

LATE = "log/late"
"""The step, beyond the budget, at which the deciding metric was first logged: too late to count."""

NOTES = "program/notes"
"""What a user should know about how a run of a program went: a list of sentences, as JSON text."""

COLD = "program/cold"
"""The error with which a program died before its first step in a forked process, after which it was started cold."""

INVENTORY = "program/inventory"
"""What a program has that knobs could change: `sweep.domain.inventory.Inventory` as JSON text."""
