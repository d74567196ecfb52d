"""The one room that patches Paddle, in the process of a trial: what is hooked, in which order, and how it is undone.

A user of the room opens `Hooks`, names points, and closes it: then every attribute is the object that it was.

  patching  one patched attribute, the hooks on it, and their order; functions by all their names; needs no Paddle
  points    what of Paddle can be hooked: optimizers, the loss at its backward, a model's calls, `Model.fit`
"""

from sweep.worker.hooks.patching import Hooks, Role, around_function, installed

__all__ = ["Hooks", "Role", "around_function", "installed"]
