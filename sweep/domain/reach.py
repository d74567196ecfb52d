"""Which settings of a knob would change nothing in a program, by its inventory. What is not known may change."""

from collections.abc import Callable, Mapping

from sweep.domain.inventory import Inventory, ProgramEnd
from sweep.domain.part import Part

ADAM_RATE = 1e-3
"""The learning rate of `optimizer: adam`."""

_KNOWN_ENDS = (ProgramEnd.OWN, ProgramEnd.CUT)
Parts = tuple[Part, ...]


def why_inert(knob: str, value: object, inventory: Inventory) -> str | None:
    """Return why this value of a knob would change nothing in a program, None if it may change something.

    A program that crashed, or took no step, may not have made all its parts; then nothing is inert.
    """
    is_known = knob in inventory.knobs and inventory.steps > 0 and inventory.ended in _KNOWN_ENDS
    rule = _RULES.get(knob)
    return rule(value, inventory) if is_known and rule is not None else None


def _dropout(value: object, inventory: Inventory) -> str | None:
    parts = inventory.of_knob("dropout")
    if not parts:
        return "the program has no dropout"
    return f"every dropout of the program has p={value:g} already" if _all_are(parts, value) else None


def _weight_decay(value: object, inventory: Inventory) -> str | None:
    parts = inventory.of_knob("weight_decay")
    if not _is_zero(value):
        return None
    return "the program has no weight decay" if not parts or _all_are(parts, 0.0) else None


def _clip(value: object, inventory: Inventory) -> str | None:
    is_off = value in (None, "none", False)
    return "the program clips no gradient" if is_off and not inventory.of_knob("clip") else None


def _scheduler(value: object, inventory: Inventory) -> str | None:
    is_constant = value in ("constant", "none")
    return "the program has no scheduler" if is_constant and not inventory.of_knob("scheduler") else None


def _optimizer(value: object, inventory: Inventory) -> str | None:
    parts, rates = inventory.of_knob("optimizer"), inventory.of_knob("lr_scale")
    epsilons = inventory.of_knob("adam_eps")
    is_adam = value == "adam" and bool(parts) and all(part.value == "Adam" for part in parts)
    is_plain = not inventory.of_knob("scheduler") and all(part.value == 1e-8 for part in epsilons)
    if is_adam and is_plain and rates and _all_are(rates, ADAM_RATE):
        return f"the program trains with Adam at {ADAM_RATE:g} already"
    return None


def _batch_scale(value: object, inventory: Inventory) -> str | None:  # noqa: ARG001 - every rule has it
    return _without_loader("batch_scale", inventory)


def _input_norm(value: object, inventory: Inventory) -> str | None:  # noqa: ARG001
    return _without_loader("input_norm", inventory)


def _without_loader(knob: str, inventory: Inventory) -> str | None:
    return None if inventory.of_knob(knob) else "does not apply: the program trains without a DataLoader"


def _shuffle(value: object, inventory: Inventory) -> str | None:
    wanted = "on" if value in (True, "on") else "off"
    if all(part.value == wanted for part in inventory.of_knob("shuffle")):
        state = "shuffles" if wanted == "on" else "does not shuffle"
        return _without_loader("shuffle", inventory) or f"the program {state} already"
    return None


def _activation(value: object, inventory: Inventory) -> str | None:
    before = {"relu": ("sigmoid", "tanh"), "leaky_relu": ("relu",)}.get(str(value))
    if before is None or any(part.value is None or part.value in before for part in inventory.of_knob("activation")):
        return None
    return f"the program has no {' or '.join(before)}"


def _loss(value: object, inventory: Inventory) -> str | None:
    wanted = {"single_softmax": "softmax", "mean": "sum"}.get(str(value))
    if wanted is None or any(part.value in (None, wanted) for part in inventory.of_knob("loss")):
        return None
    return "no softmax before a loss was seen" if wanted == "softmax" else "no loss with a sum over the batch was seen"


def _adam_eps(value: object, inventory: Inventory) -> str | None:
    parts = inventory.of_knob("adam_eps")
    if not parts:
        return "the program has no optimizer with an epsilon"
    return f"the program's epsilon is {value:g} already" if _all_are(parts, value) else None


def _no_parts(knob: str, words: str, *, only: object = None) -> "Rule":
    def rule(value: object, inventory: Inventory) -> str | None:
        return words if (only is None or value == only) and not inventory.of_knob(knob) else None

    return rule


def _all_are(parts: Parts, value: object) -> bool:
    """Return whether every part has this number as its value."""
    return isinstance(value, int | float) and all(
        isinstance(part.value, int | float) and abs(part.value - value) <= 1e-12 * abs(value) for part in parts
    )


def _is_zero(value: object) -> bool:
    return value in (None, "none") or value == 0


Rule = Callable[[object, Inventory], str | None]
_RULES: Mapping[str, Rule] = {
    "dropout": _dropout,
    "weight_decay": _weight_decay,
    "augmentation": _no_parts("augmentation", "the program has no random transforms of paddle.vision", only=False),
    "init": _no_parts("init", "no layer of the program has fresh weights"),
    "scheduler": _scheduler,
    "clip": _clip,
    "optimizer": _optimizer,
    "batch_scale": _batch_scale,
    "shuffle": _shuffle,
    "activation": _activation,
    "input_norm": _input_norm,
    "target_norm": _no_parts("target_norm", "the program calls no regression loss"),
    "loss": _loss,
    "adam_eps": _adam_eps,
    "amp": _no_parts("amp", "the program does not use autocast", only=False),
}
