"""What to change in the task's own code for each toggle of the symptom catalogue.

Shown if the task has no knob for the toggle's axis. Data only.
"""

from collections.abc import Collection, Iterable, Sequence

from sweep.domain.symptoms import about_of

_INIT = "initialize the weights with nn.initializer.XavierNormal (tanh, sigmoid) or KaimingNormal (ReLU)"
_LOWER = "lower the learning rate by a factor of 10 to 100"

BY_HAND: dict[str, str] = {
    "dropout=off": "turn dropout off, if it is used",
    "weight_decay=off": "remove weight decay, if it is used",
    "augmentation=off": "train without augmentation, if it is used",
    "init=xavier": _INIT,
    "init=kaiming": _INIT,
    "scheduler=constant": "train with a constant learning rate",
    "scheduler=cosine": "decay the learning rate: paddle.optimizer.lr.CosineAnnealingDecay",
    "scheduler=warmup": "warm the learning rate up: paddle.optimizer.lr.LinearWarmup",
    "clip=on": "clip gradients: grad_clip=nn.ClipGradByGlobalNorm(1.0) in the optimizer",
    "clip=off": "do not clip gradients",
    "lr=x0.1": _LOWER,
    "lr=x0.01": _LOWER,
    "lr=x10": "raise the learning rate by a factor of 10",
    "optimizer=adam": "use paddle.optimizer.Adam(learning_rate=1e-3)",
    "batch_size=x4": "use batches 4 times as large",
    "batch_size=x0.25": "use batches a quarter as large",
    "shuffle=on": "shuffle the training data: DataLoader(..., shuffle=True)",
    "activation=relu": "use ReLU instead of sigmoid or tanh in the hidden layers",
    "activation=leaky_relu": "use LeakyReLU instead of ReLU in the hidden layers",
    "input_norm=standardize": "scale the inputs in data(cfg) to zero mean and unit variance per feature",
    "target_norm=standardize": "scale the targets to zero mean and unit variance, and report metrics in original units",
    "loss=single_softmax": "remove the softmax before CrossEntropyLoss, which applies it itself",
    "loss=mean": "use a loss that averages over the batch: reduction='mean'",
    "adam_eps=1e-4": "give Adam epsilon=1e-4",
    "amp=off": "train without paddle.amp.auto_cast",
}
"""What to change in the code, by toggle (`axis=level`). Texts have no full stop at the end."""


MOST = 3
"""Number of things to do by hand that are named for a symptom."""


def by_hand(toggles: Iterable[str]) -> tuple[str, ...]:
    """Return what to change by hand for these toggles, each text once, in the given order."""
    return tuple(dict.fromkeys(BY_HAND[toggle] for toggle in toggles if toggle in BY_HAND))


def by_hand_of(toggles: Iterable[str], lacking: Collection[str]) -> tuple[str, ...]:
    """Return what to do by hand for those of these toggles whose axes are `lacking` a knob, at most MOST texts."""
    return by_hand(toggle for toggle in toggles if toggle.partition("=")[0] in lacking)[:MOST]


def best_by_hand(rule: str, texts: Sequence[str]) -> str:
    """Return the first of `texts` (changes by hand for a rule) if it belongs to the rule's most promising toggle.

    `rule` may be the `kind_of` a finding. Empty if that toggle can be tried.
    """
    about = about_of(rule)
    first = by_hand(about.tests[:1]) if about else ()
    return first[0] if first and tuple(texts[:1]) == first else ""
