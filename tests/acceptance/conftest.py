"""Fixtures of the acceptance tests; `user_folder` has what they are made of."""

from user_folder import folder

__all__ = ["folder"]
