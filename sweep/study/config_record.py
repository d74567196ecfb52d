"""The config of a study as the store keeps it."""

from dataclasses import asdict

from sweep.config import StudyConfig
from sweep.domain.json_form import to_json
from sweep.domain.recorded_config import ASKED, HOME, PARTS


def recorded_config(config: StudyConfig) -> dict[str, object]:
    """Return the config that the store keeps: as composed, with axes, target, seeds and inert toggles resolved."""
    return {
        **config.raw,
        "axes": {axis.name: {level.name: list(level.overrides) for level in axis.levels} for axis in config.axes},
        "converge": config.target.to_mapping(),
        "seeds": list(config.seeds),
        "inert": [[str(each.toggle), each.text] for each in config.inert],
        **({PARTS: [to_json(part) for part in config.parts]} if config.parts else {}),
        **({} if config.home is None else {HOME: asdict(config.home), ASKED: config.asked}),
        **({} if config.compare_with is None else {"compare_with": config.compare_with}),
    }
