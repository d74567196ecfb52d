import importlib
import math
from pathlib import Path

import numpy as np
import paddle
import pytest
from omegaconf import OmegaConf
from recorded_run import RecordedRun

from sweep.task import StopTrial, TaskConfig
from tasks import components, digits_cnn
from tasks.datasets import load_breast_cancer, load_diabetes, load_digits

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ("digits_cnn", "digits_cnn_overregularised", "digits_mlp", "breast_cancer", "diabetes")


def config(name, **changes):
    loaded = OmegaConf.to_container(OmegaConf.load(ROOT / "conf" / "task" / f"{name}.yaml"), resolve=True)
    assert set(changes) <= set(loaded["task"])
    return TaskConfig({**loaded["task"], **changes}), loaded["converge"]


def train(name, seed=0, stop_at=None, **changes):
    cfg, _ = config(name, **changes)
    run = RecordedRun(seed, stop_at)
    importlib.import_module(cfg["_target_"].rpartition(".")[0]).train(cfg, run)
    return run


@pytest.fixture
def watched(monkeypatch):
    """Collects initial weights, batches of rows and augmented images of every digits_cnn trial trained."""
    seen = {"weights": [], "rows": [], "images": []}
    fit, order, noise = components.fit, components.batches, digits_cnn.add_noise

    def watched_fit(cfg, run, network, *args, **kwargs):
        seen["weights"].append([p.numpy().copy() for p in network.parameters()])
        seen["rows"].append([])
        seen["images"].append([])
        return fit(cfg, run, network, *args, **kwargs)

    def watched_order(*args, **kwargs):
        for rows in order(*args, **kwargs):
            seen["rows"][-1].append(rows.tolist())
            yield rows

    def watched_noise(images, rng, *, std):
        seen["images"][-1].append(noise(images, rng, std=std))
        return seen["images"][-1][-1]

    monkeypatch.setattr(components, "fit", watched_fit)
    monkeypatch.setattr(components, "batches", watched_order)
    monkeypatch.setattr(digits_cnn, "add_noise", watched_noise)
    return seen


def equal(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(
    "change",
    [
        {"dropout": 0.0},
        {"weight_decay": 0.0},
        {"augmentation": False},
        {"optimizer": "adam"},
        {"scheduler": "cosine"},
        {"clip": 1.0},
        {"lr_scale": 0.1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_toggle_leaves_the_initial_weights_and_the_order_of_the_same_seed_alone(change, watched):
    train("digits_cnn_overregularised", steps=3)
    train("digits_cnn_overregularised", steps=3, **change)
    assert equal(*watched["weights"])
    assert equal(*watched["rows"])


def test_switching_dropout_off_leaves_the_augmented_images_alone(watched):
    train("digits_cnn_overregularised", steps=3)
    train("digits_cnn_overregularised", steps=3, dropout=0.0)
    assert equal(*watched["images"])
    assert len(watched["images"][0]) == 3


def test_a_new_init_changes_the_weights_and_not_the_order(watched):
    train("digits_cnn_overregularised", steps=3)
    train("digits_cnn_overregularised", steps=3, init="kaiming")
    assert not equal(*watched["weights"])
    assert equal(*watched["rows"])


def test_another_seed_changes_weights_order_and_augmentation(watched):
    train("digits_cnn_overregularised", seed=0, steps=3)
    train("digits_cnn_overregularised", seed=1, steps=3)
    assert not equal(*watched["weights"])
    assert not equal(*watched["rows"])
    assert not equal(*watched["images"])


def test_batch_scale_multiplies_the_batch(watched):
    train("digits_cnn", steps=1, batch_scale=4.0)
    assert len(watched["rows"][0][0]) == 4 * config("digits_cnn")[0].batch_size


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_same_seed_gives_the_same_losses_bit_by_bit(name):
    first, second = (train(name, seed=3, steps=20) for _ in range(2))
    assert first.lines == second.lines


@pytest.mark.parametrize("name", EMBEDDED)
def test_a_task_logs_the_metric_of_its_target_at_every_evaluation(name):
    cfg, converge = config(name)
    run = train(name, steps=40)
    assert [step for step, m in run.lines if converge["metric"] in m] == list(range(cfg.eval_every, 41, cfg.eval_every))
    assert all("train/loss" in m for _, m in run.lines)
    assert run.lines[0][0] == 1


@pytest.mark.parametrize("name", EMBEDDED)
def test_a_task_learns_something_within_forty_steps(name):
    losses = [m["val/loss"] for _, m in train(name, steps=40, dropout=0.0).lines if "val/loss" in m]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("name", "entropy"), [("digits_cnn", math.log(10)), ("digits_mlp", math.log(10)), ("breast_cancer", 0.66)]
)
def test_a_classifier_states_its_label_entropy(name, entropy):
    assert train(name, steps=1).facts == {"label_entropy": pytest.approx(entropy, abs=0.01)}


def test_the_regression_states_its_target_variance_and_measures_in_original_units():
    run = train("diabetes", steps=20)
    assert run.facts == {"target_variance": pytest.approx(load_diabetes()[1].var(), rel=0.1)}
    untrained = run.lines[0][1]["train/loss"]
    assert run.facts["target_variance"] / 3 < untrained < 3 * run.facts["target_variance"]


def test_standardising_the_targets_changes_the_training_and_not_the_unit_of_the_metrics():
    raw = train("diabetes", steps=10, target_norm=None, lr_scale=1e-9).lines[-1][1]
    # An untrained network says about 0, so its error is the mean square of the targets.
    assert raw["val/loss"] == pytest.approx((load_diabetes()[1] ** 2).mean(), rel=0.15)


def test_raw_inputs_are_left_in_their_units():
    module = importlib.import_module("tasks.breast_cancer")
    assert module.data(config("breast_cancer", input_norm=None)[0])[0].x.max() > 1000
    assert module.data(config("breast_cancer")[0])[0].x.max() < 20


@pytest.mark.parametrize("name", EMBEDDED)
def test_prepare_loads_what_data_then_returns(name):
    cfg, _ = config(name)
    module = importlib.import_module(cfg["_target_"].rpartition(".")[0])
    module.prepare(cfg)
    assert module.data(cfg)[0] is module.data(cfg)[0]
    train_set, val_set = module.data(cfg)
    assert module.model(cfg)(paddle.to_tensor(val_set.x[:2])).shape[0] == 2
    assert not {row.tobytes() for row in train_set.x} & {row.tobytes() for row in val_set.x}


def test_a_run_that_is_to_stop_stops_the_task():
    cfg, _ = config("digits_mlp")
    run = RecordedRun(stop_at=5)
    with pytest.raises(StopTrial):
        importlib.import_module("tasks.digits_mlp").train(cfg, run)
    assert run.lines[-1][0] == 5


def test_a_diverging_trial_logs_its_non_finite_losses_and_continues():
    run = train("digits_mlp", steps=30, lr_scale=1e12)
    assert run.lines[-1][0] == 30
    assert not math.isfinite(run.lines[-1][1]["train/loss"])


def test_a_paddle_data_loader_takes_a_data_set_as_it_is():
    train_set, _ = digits_cnn.data(config("digits_cnn")[0])
    x, y = next(iter(paddle.io.DataLoader(train_set, batch_size=4)))
    assert x.shape == [4, 1, 8, 8]
    assert y.tolist() == train_set.y[:4].tolist()


def test_the_embedded_data_equal_those_of_scikit_learns_own_loaders_bit_by_bit():
    from sklearn import datasets

    digits, cancer, diabetes = (
        datasets.load_digits(),
        datasets.load_breast_cancer(),
        datasets.load_diabetes(scaled=False),
    )
    for (x, y), expected_x, expected_y in [
        (load_digits(), digits.images, digits.target),
        (load_breast_cancer(), cancer.data, cancer.target),
        (load_diabetes(), diabetes.data, diabetes.target),
    ]:
        assert x.dtype == expected_x.dtype
        assert np.ascontiguousarray(x).tobytes() == np.ascontiguousarray(expected_x).tobytes()
        assert np.array_equal(y, expected_y)


@pytest.mark.parametrize("name", ["digits_cnn", "digits_mlp"])
def test_standardised_images_have_unit_scale_and_are_augmented_in_their_own_units(name, monkeypatch):
    task = importlib.import_module(f"tasks.{name}")
    seen = []
    noise = task.add_noise
    monkeypatch.setattr(task, "add_noise", lambda x, rng, *, std: seen.append(x) or noise(x, rng, std=std))
    plain, scaled = (task.data(config(name, input_norm=norm)[0]) for norm in (None, "standardize"))
    assert float(scaled[0].x.mean()) == pytest.approx(0, abs=1e-3)
    assert np.isfinite(scaled[0].x).all()
    assert float(scaled[0].x.std()) == pytest.approx(1, abs=1e-3)
    train(name, input_norm="standardize", steps=3, **({"max_shift": 0.0, "max_rotation": 0.0} if "cnn" in name else {}))
    assert len(seen) == 3
    assert all(float(x.min()) >= -1e-3 and float(x.max()) <= 1 + 1e-3 for x in seen)
    assert len(plain[0]) == len(scaled[0])
