"""A search whose default param is no knob of the task: the command to paste searches a knob that it has."""

import pytest
from omegaconf import OmegaConf

from sweep.config.searched import default_params
from sweep.errors import ConfigError


@pytest.mark.parametrize(
    ("task", "pasted"),
    [
        ({"steps": 30, "momentum": 0.5, "flag": True}, "'+params.task.momentum=interval(0.05, 5)'"),
        ({"steps": 30, "name": "x"}, "'+params.task.steps=range(1, 61)'"),
        ({"rest": 0.0}, "'+params.task.rest=interval(0.1, 0.5)'"),
        ({"name": "x"}, "'+params.task.KEY=interval(0.1, 0.5)'"),
    ],
)
def test_the_hint_searches_a_knob_that_takes_fractions_around_its_value(task, pasted):
    with pytest.raises(ConfigError) as refused:
        default_params(OmegaConf.create({"task": task, "axes": {}}), {"task.lr": "interval(0, 1)"}, ())
    assert pasted in str(refused.value)
