"""`optimizer`: every optimizer of the program updates its parameters as Adam at 1e-3 does.

The object stays the same, of a class that inherits from its own: whatever the program does with it still works. Its
parameters, groups, clip and rate multipliers are kept; its schedule is kept in proportion to the new base rate.
"""

import types
from typing import Any

from paddle.optimizer import LBFGS, Adam, AdamW
from paddle.regularizer import L2Decay

from sweep.domain.reach import ADAM_RATE
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.decays import DECOUPLED
from sweep.worker.surgery.optimizers import Seen, groups_of, optimizers_of
from sweep.worker.surgery.values import choice

SETTINGS = {"_beta1": 0.9, "_beta2": 0.999, "_epsilon": 1e-8, "_lazy_mode": False, "_amsgrad": False}
"""Adam's own defaults, by attribute. In a group the key is the same without the underscore."""

KEPT = ("set_lr", "set_lr_scheduler", "get_lr", "state_dict", "set_state_dict", "load_state_dict")
"""What a class of the program's own may have made its own, and keeps."""


def install(surgery: Surgery, value: object | None) -> None:
    """Record the optimizers; with `adam`, make each of them Adam. Raises ValueError for another value."""
    optimizers = optimizers_of(surgery)
    is_adam = value is not None and choice("optimizer", value, ("adam",)) == "adam"

    def look(optimizer: Any, seen: Seen) -> None:
        what = f"{seen.kind}(learning_rate={seen.base:g})"
        surgery.book.found("optimizer", what, value=_value(optimizer, seen), where=seen.where)
        if not is_adam:
            return
        if isinstance(optimizer, LBFGS):
            surgery.book.limit("optimizer: LBFGS evaluates the loss itself, so it is not replaced by Adam")
        elif _convert(optimizer) or seen.base != ADAM_RATE:
            seen.noted.add("optimizer")
            surgery.book.changed("optimizer", what, value=_value(optimizer, seen), where=seen.where)

    optimizers.before_first_step(look)
    if is_adam:
        optimizers.rates.is_adam = True
        optimizers.change_rates()


def _value(optimizer: Any, seen: Seen) -> str:
    """The name of its class, and what is not Adam's default in an Adam."""
    betas = ((name, getattr(optimizer, name, None)) for name in ("_beta1", "_beta2"))
    other = [f"{name[1:]}={beta}" for name, beta in betas if seen.kind == "Adam" and beta != SETTINGS[name]]
    return f"{seen.kind}({', '.join(other)})" if other else seen.kind


def _convert(optimizer: Any) -> bool:
    """Make an optimizer Adam, or AdamW if its decay is decoupled. Return whether that changed anything."""
    coefficient = next((name for name in DECOUPLED if hasattr(optimizer, name)), None)
    target: Any = Adam if coefficient is None else AdamW
    kind = type(optimizer)
    methods = _methods(kind, target)
    before = {name: getattr(optimizer, name, None) for name in SETTINGS}
    groups = groups_of(optimizer)
    own = {name[1:] for name in SETTINGS}
    of_groups = [(f"_{key}", group[key]) for group in groups for key in own & set(group)]
    if not methods and before == SETTINGS and all(setting == SETTINGS[name] for name, setting in of_groups):
        return False
    if coefficient is None:
        _keep_coupled_decay(optimizer, groups)
    else:
        _keep_decoupled_decay(optimizer, coefficient, groups)
    for name, setting in SETTINGS.items():
        setattr(optimizer, name, setting)
    for group in groups:
        for key in own & set(group):
            del group[key]
    defaults = {key: SETTINGS[f"_{key}"] for key in ("beta1", "beta2", "epsilon", "lazy_mode")}
    optimizer._default_dict = {**optimizer._default_dict, **defaults}
    optimizer.type = target.__name__.lower()
    optimizer._use_multi_tensor = None
    optimizer._multi_precision = getattr(optimizer, "_multi_precision", False)
    if not any("moment1" in name for name in optimizer._accumulators_holder):
        optimizer._accumulators_holder = {}  # a saved state of another optimizer, which Adam cannot use
    if methods:
        optimizer.__class__ = types.new_class(kind.__name__, (kind,), exec_body=lambda body: body.update(methods))
    return True


def _methods(kind: Any, target: Any) -> dict[str, Any]:
    """Return what differs in a class from Adam: functions and class attributes, special methods excepted."""
    names = (name for name in dir(target) if not (name.startswith("__") or name in KEPT))
    return {name: getattr(target, name) for name in names if getattr(kind, name, None) is not getattr(target, name)}


def _keep_coupled_decay(optimizer: Any, groups: list[dict[str, Any]]) -> None:
    """Momentum and Lars keep an L2 coefficient of their own: make it a regularizer, which Adam reads."""
    for name in ("_regularization_coeff", "_lars_weight_decay"):
        coefficient = float(getattr(optimizer, name, 0.0))
        if coefficient and optimizer.regularization is None:
            optimizer.regularization = L2Decay(coefficient)
        for group in groups:
            if name[1:] not in group:
                continue
            for parameter in group["params"]:
                if parameter.regularizer is None:
                    parameter.regularizer = L2Decay(group[name[1:]])  # also 0, which is not the optimizer's


def _keep_decoupled_decay(optimizer: Any, name: str, groups: list[dict[str, Any]]) -> None:
    """Lamb excludes parameters from its decay by a function of the parameter, AdamW by one of its name."""
    optimizer._weight_decay = float(getattr(optimizer, name))
    optimizer._default_dict["weight_decay"] = optimizer._weight_decay
    if name == "_weight_decay":
        return
    optimizer._lr_ratio, optimizer._use_lowprecision_moment, optimizer._params_name = None, False, set()
    for group in groups:
        group["weight_decay"] = float(group.get(name[1:], optimizer._weight_decay))
    excludes = optimizer._exclude_from_weight_decay_fn
    listed = groups or [{"params": optimizer._parameter_list, "exclude_from_weight_decay_fn": excludes}]
    excluded = set()
    for group in listed:
        function = group.get("exclude_from_weight_decay_fn", excludes)
        excluded |= {p.name for p in group["params"] if function is not None and function(p)}
    optimizer._apply_decay_param_fun = lambda parameter: parameter not in excluded
