"""Runs a Paddle script that was not written for sweep, and observes its training.

runner    runs the script as `__main__`, with surgery and observation
observer  the losses, steps and metrics of the script's training, recorded as series of the run
"""

from sweep.worker.script.runner import Script

__all__ = ["Script"]
