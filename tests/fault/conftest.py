"""Fixtures of the fault tests; `killing` has what they are made of."""

from killing import folder, here, undisturbed, zygote

__all__ = ["folder", "here", "undisturbed", "zygote"]
