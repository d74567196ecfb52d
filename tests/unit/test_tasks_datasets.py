import sys

import numpy as np
import pytest

from tasks import datasets
from tasks.datasets import Samples, load_breast_cancer, load_diabetes, load_digits, local_files, split_indices


def test_the_embedded_sets_are_read_without_importing_scikit_learn():
    loaded = set(sys.modules)
    for load in (load_digits, load_breast_cancer, load_diabetes):
        load.cache_clear()
        load()
    assert not {name for name in set(sys.modules) - loaded if name.partition(".")[0] == "sklearn"}


def test_each_embedded_set_is_read_once():
    assert load_digits()[0] is load_digits()[0]


@pytest.mark.parametrize("load", [load_digits, load_breast_cancer, load_diabetes])
def test_without_scikit_learn_the_error_names_the_extra(load, monkeypatch):
    load.cache_clear()
    monkeypatch.setattr(datasets, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"paddle-sweep\[examples\]"):
        load()


def test_a_scikit_learn_without_the_file_is_named_with_the_versions_that_have_it(monkeypatch, tmp_path):
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    load_digits.cache_clear()
    monkeypatch.setattr(datasets, "find_spec", lambda name: Spec)
    with pytest.raises(FileNotFoundError, match=r"digits\.csv\.gz\n.*between 1\.5 and 2"):
        load_digits()


def test_the_split_is_the_same_every_time():
    assert np.array_equal(split_indices(50, 10)[1], split_indices(50, 10)[1])


def test_standardised_features_have_zero_mean_and_unit_variance_over_the_training_rows():
    features, _ = load_breast_cancer()
    train, _ = split_indices(len(features), 100)
    scaled = datasets.standardise(features, train)[train]
    assert np.allclose(scaled.mean(axis=0), 0, atol=1e-9)
    assert np.allclose(scaled.std(axis=0), 1)


def test_samples_are_a_map_style_data_set():
    part = Samples(np.arange(6, dtype=np.float32).reshape(3, 2), np.array([5, 6, 7]))
    assert len(part) == 3
    assert part[1][0].tolist() == [2, 3]
    assert part[1][1] == 6


def test_missing_local_files_are_named_and_present_ones_are_not(tmp_path):
    (tmp_path / "there.gz").touch()
    with pytest.raises(FileNotFoundError) as error:
        local_files("MNIST", str(tmp_path), ["there.gz", "gone.gz"])
    first_line = str(error.value).splitlines()[0]
    assert "gone.gz" in first_line
    assert "there.gz" not in first_line
    assert str(tmp_path) in first_line
