"""The standard knobs: the keys under `task.` that the axes set, with the same name in every task."""

STANDARD_KNOBS = frozenset(
    {
        "activation",
        "adam_eps",
        "amp",
        "augmentation",
        "batch_scale",
        "clip",
        "dropout",
        "init",
        "input_norm",
        "loss",
        "lr_scale",
        "optimizer",
        "scheduler",
        "shuffle",
        "target_norm",
        "weight_decay",
    }
)

NONE = "none"
"""Value of a standard knob that means "not used" (`clip=off` sets `task.clip=none`)."""


def without_none(knob: str, value: object, *, base: object) -> object:
    """Return the value passed to the task function for a knob: null instead of `none`.

    If the knob's value in the task's config (`base`) is text, the word is kept: it may be one of the task's own
    choices, as in `scheduler: none`.
    """
    is_none = value == NONE and knob in STANDARD_KNOBS and not isinstance(base, str)
    return None if is_none else value


def kind_of(value: object) -> str:
    """Return the kind of a plain value, for messages. All numbers are one kind: a learning rate of 1 may become 0.5."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a section"
