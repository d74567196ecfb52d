"""Surgery: turns the standard knobs of a running program, which was not written for them, by hooks in Paddle.

Each knob has a module of its name with `install(surgery, value)`. It hooks the functions that the knob concerns, before
the program is loaded. With `value` None it changes nothing and only records what it finds (`book.found`): the program's
inventory. With a value it records the same, changes the program, and records each part that it has really changed
(`book.changed`). What it cannot reach it records as a limit (`book.limit`).

  book        what was found and changed, for the inventory
  calls       who called a hooked function, and with which arguments
  graph       what a tensor was computed from
  loaders     the DataLoaders of a program, and which of them it trains on
  reading_ahead  samples of a loader's dataset, read for statistics before the program does
  values      values of knobs, checked
  drop_path   the part of `dropout` that is found by its name
  optimizers  the program's optimizers: the lines that made them, and their first steps, for all knobs that change them
  rates       base rates, and the learning rate of each step
  decays      where Paddle's optimizers keep their weight decay
  KNOB        one module for each knob
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from sweep.worker.callsite import CallSites
from sweep.worker.hooks import Hooks, Role, with_known_names
from sweep.worker.surgery.book import Book


@dataclass(frozen=True, slots=True, kw_only=True)
class Surgery:
    """What a knob works with.

    `stream` returns the seed of a named stream of the trial, in [0, 2**31): what a knob draws must come from a stream
    of the knob's name, so that the program's own random numbers stay as they are. `total_steps` is the length of the
    training in optimizer steps (the study's budget), which schedules are stretched to.
    """

    hooks: Hooks
    book: Book
    stream: Callable[[str], int]
    total_steps: int


KNOBS = (
    "dropout",
    "augmentation",
    "batch_scale",
    "shuffle",
    "input_norm",
    "loss",
    "init",
    "activation",
    "target_norm",
    "weight_decay",
    "clip",
    "optimizer",
    "adam_eps",
    "lr_scale",
    "scheduler",
    "amp",
)
"""The knobs with a module here, in the order in which they are installed and change an optimizer: Adam keeps the decay
and the clip that the knobs before it left."""


def install(surgery: Surgery, values: Mapping[str, object]) -> None:
    """Install all knobs. `values` are those of the task section; None or a missing one only records. Raises ValueError
    for a value that a knob does not know."""
    modules = [import_module(f"sweep.worker.surgery.{name}") for name in KNOBS]
    with with_known_names():
        for name, module in zip(KNOBS, modules, strict=True):
            module.install(surgery, values.get(name))


def install_ahead() -> None:
    """Install all knobs and remove them. What takes long the first time, a parent process does for its forks."""
    with Hooks(Role.CHANGES) as hooks:
        book = Book(CallSites(Path()))
        install(Surgery(hooks=hooks, book=book, stream=len, total_steps=1), {})
