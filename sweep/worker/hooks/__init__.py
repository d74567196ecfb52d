"""The only code that patches Paddle, in the process of a trial.

A user opens `Hooks`, installs hooks at the points below, and closes it: then every attribute is the original object.

  patching  a patched attribute, the hooks on it and their order; functions under all their names; does not need Paddle
  points    what can be hooked in Paddle: optimizers, the loss at its backward, a model's calls, `Model.fit`
"""

from sweep.worker.hooks.patching import Hooks, Role, around_function, installed, with_known_names

__all__ = ["Hooks", "Role", "around_function", "installed", "with_known_names"]
