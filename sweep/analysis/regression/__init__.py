"""Nightly regression: from a baseline and a history of nights to a verdict per task (METHOD 7). Pure functions."""
