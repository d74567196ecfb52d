"""Where Paddle's optimizers keep their weight decay, and how it is changed.

What is read at the step differs by class: `regularization` (most), `_regularization_coeff` (Momentum), `_weight_decay`
(AdamW), `_lamb_weight_decay` (Lamb); in parameter groups the values of these names; and the `regularizer` of a
parameter, which a ParamAttr or a group sets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paddle.regularizer import L1Decay, L2Decay

from sweep.worker.surgery.optimizers import Seen, groups_of, parameters_of

NUMBERS = ("_weight_decay", "_lamb_weight_decay", "_lars_weight_decay", "_regularization_coeff")
"""Attributes with a coefficient. In a group the key is the same without the first underscore."""

DECOUPLED = ("_weight_decay", "_lamb_weight_decay")
"""Those that do not go through the gradient: the decay of AdamW and Lamb."""


LINE = "_line_in_program"
"""Attribute of a regularizer: the line of its ParamAttr. Paddle copies the regularizer for each parameter, with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decay:
    """One coefficient of weight decay, as it was, and how to replace it. `where` is the line that set it, if known."""

    coefficient: float
    what: str
    where: str | None
    set: Callable[[float], None]


def decays_of(optimizer: Any, seen: Seen) -> list[Decay]:
    """Return every coefficient of an optimizer and its parameters, zero ones too."""
    found: list[Decay] = []
    groups = groups_of(optimizer)
    for name in (name for name in NUMBERS if hasattr(optimizer, name)):
        own = [group for group in groups if isinstance(group.get(name[1:]), int | float)]
        if len(own) < len(groups) or not groups:  # else the optimizer's coefficient is used for no parameter
            found.append(_of_number(optimizer, name, seen))
        found += [_of_group(group, name[1:], seen) for group in own]
    if optimizer.regularization is not None:
        found.append(_of_regularization(optimizer, seen))
    for parameter in parameters_of(optimizer):
        if getattr(parameter, "regularizer", None) is not None:
            found.append(_of_parameter(parameter, seen))
    return found


def renewed(regularizer: Any, coefficient: float) -> Any:
    """Return a regularizer of the same kind with this coefficient, None for 0."""
    kind = L1Decay if isinstance(regularizer, L1Decay) else L2Decay
    return kind(coefficient) if coefficient else None


def coefficient_of(regularizer: Any) -> float:
    """Return the coefficient of a regularizer; infinity if the program's own class hides it, as it is not 0."""
    return float(getattr(regularizer, "_coeff", float("inf")))


def _of_number(optimizer: Any, name: str, seen: Seen) -> Decay:
    def replace(coefficient: float) -> None:
        setattr(optimizer, name, coefficient)
        if name[1:] in optimizer._default_dict:
            optimizer._default_dict[name[1:]] = coefficient
        if name == "_regularization_coeff":
            method = "l2_decay" if coefficient else ""
            optimizer._regularization_method = optimizer._default_dict["regularization_method"] = method

    coefficient = float(getattr(optimizer, name))
    return Decay(coefficient=coefficient, what=_what(coefficient, seen.kind), where=seen.where, set=replace)


def _of_group(group: dict[str, Any], key: str, seen: Seen) -> Decay:
    def replace(coefficient: float) -> None:
        group[key] = coefficient
        if key == "regularization_coeff":
            group["regularization_method"] = "l2_decay" if coefficient else ""

    coefficient = float(group[key])
    return Decay(coefficient=coefficient, what=_what(coefficient, seen.kind), where=seen.where, set=replace)


def _of_regularization(optimizer: Any, seen: Seen) -> Decay:
    own = optimizer.regularization

    def replace(coefficient: float) -> None:
        optimizer.regularization = renewed(own, coefficient)

    coefficient = coefficient_of(own)
    return Decay(coefficient=coefficient, what=_what(coefficient, seen.kind, own), where=seen.where, set=replace)


def _of_parameter(parameter: Any, seen: Seen) -> Decay:
    own = parameter.regularizer

    def replace(coefficient: float) -> None:
        parameter.regularizer = renewed(own, coefficient)

    coefficient = coefficient_of(own)
    if hasattr(own, LINE):
        what, where = f"regularizer={type(own).__name__}({coefficient:g}) (ParamAttr)", getattr(own, LINE)
    else:
        what, where = _what(coefficient, seen.kind, own), seen.where
    return Decay(coefficient=coefficient, what=what, where=where, set=replace)


def _what(coefficient: float, kind: str, regularizer: Any = None) -> str:
    """The user may have written a number or an L2Decay for the same: the number is shown."""
    value = f"L1Decay({coefficient:g})" if isinstance(regularizer, L1Decay) else f"{coefficient:g}"
    return f"weight_decay={value} ({kind})"
