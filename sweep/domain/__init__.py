"""Data types of sweep: axes, trials, states, metrics, targets, verdicts, effects. No I/O, no clock, no global state."""
