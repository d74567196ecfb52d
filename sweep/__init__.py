"""sweep: which change makes a PaddlePaddle training run converge, how sure that is, and what it cost to find out."""

__version__ = "0.1.0"
