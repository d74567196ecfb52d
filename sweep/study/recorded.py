"""A study as it is on record: the config that the store keeps of it, and what that says."""

from typing import Any

from sweep.config import StudyConfig
from sweep.domain.axis import Axis, Level
from sweep.domain.trial import StudyRecord


def recorded_config(config: StudyConfig) -> dict[str, Any]:
    """Return the config that the store keeps: as composed, with what was made of axes and target in their place."""
    return {
        **config.raw,
        "axes": {axis.name: {level.name: list(level.overrides) for level in axis.levels} for axis in config.axes},
        "converge": config.target.to_mapping(),
        "seeds": list(config.seeds),
        "inert": [list(pair) for pair in config.inert],
        **({} if config.compare_with is None else {"compare_with": config.compare_with}),
    }


def recorded_axes(record: StudyRecord) -> tuple[Axis, ...]:
    """Return the axes of a recorded study."""
    return tuple(
        Axis(name=name, levels=tuple(Level(name=level, overrides=tuple(texts)) for level, texts in levels.items()))
        for name, levels in record.config["axes"].items()
    )
