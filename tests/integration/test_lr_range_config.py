"""+search=lr_range as it is composed: what its settings may be, and the study that confirms it."""

import pytest

from sweep.config import load_study_config
from sweep.domain.lr_range import RateRange
from sweep.errors import ConfigError
from sweep.study.lr_range import confirmation, run_lr_range
from sweep.study.resilient_progress import ResilientProgress


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("probe.lr_max=1e-8", "probe.lr_max"),
        ("probe.lr_min=0", "probe.lr_min"),
        ("probe.lr_min=null", "probe.lr_min"),
        ("probe.steps=19", "probe.steps"),
        ("probe.step=100", "probe.step"),
        ("confirm.seeds=0", "confirm.seeds"),
        ("confirm.stop_early=maybe", "confirm.stop_early"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(override, key):
    with pytest.raises(ConfigError) as error:
        load_study_config(["+search=lr_range", override])
    assert error.value.key == key


def test_axes_beside_a_range_test_are_refused_before_anything_runs(tmp_path):
    overrides = ["task=digits_mlp", "+search=lr_range", "+ablation=regularization", f"results={tmp_path / 'none'}"]
    with pytest.raises(ConfigError, match="without axes"):
        run_lr_range(load_study_config(overrides), progress=ResilientProgress(None))
    assert list(tmp_path.iterdir()) == []


def test_the_confirmation_is_left_out_by_null():
    assert load_study_config(["+search=lr_range", "confirm=null"]).study.confirm is None


@pytest.mark.parametrize(("named", "study"), [((), "breast_cancer-lr_range"), (("study=mine",), "mine")])
def test_the_command_of_a_confirmation_is_that_of_its_search(named, study):
    words = ("task=breast_cancer", "+search=lr_range", *named)
    found = RateRange(point=0.01, base_lr=0.002, overrides=("task.lr=0.01",), lr_min=1e-7, lr_max=10.0)
    loaded = confirmation(load_study_config(words, command=words), found)
    assert loaded.study.name == f"{study}.confirm"
    assert loaded.command == ("task=breast_cancer", "+search=lr_range", f"study={study}")
