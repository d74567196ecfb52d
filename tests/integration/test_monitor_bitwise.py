"""A watched and an unwatched run are the same run, bit by bit."""

import importlib
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from watched_training import make_run

from sweep.rundir import RunDir, points_of, read_events
from sweep.task import StopTrial, TaskConfig

CONF = Path(__file__).parents[2] / "conf" / "task"

TRAININGS = {
    "mlp, momentum, clip, warmup": ("digits_mlp", {"optimizer": "momentum", "clip": 0.5, "scheduler": "warmup"}),
    "mlp, sgd": ("digits_mlp", {"optimizer": "sgd", "clip": None}),
    "cnn, dropout, augmentation, adam": ("digits_cnn", {"optimizer": "adam", "dropout": 0.3, "augmentation": True}),
    "cnn, cosine, clip": ("digits_cnn", {"optimizer": "momentum", "scheduler": "cosine", "clip": 1.0}),
    "regression, adam": ("diabetes", {"optimizer": "adam", "dropout": 0.1}),
    "diverging": ("digits_mlp", {"optimizer": "sgd", "lr": 1e18}),
}


def losses(path: Path, watch: str, task: str, changes: dict[str, object]) -> dict[str, list[tuple[int, str]]]:
    """Return every metric of the task that a short training logs, each value as its exact bits."""
    section = OmegaConf.load(CONF / f"{task}.yaml").task
    section.steps = 60
    cfg = OmegaConf.to_container(OmegaConf.merge(section, changes, {"log_every": 1}), resolve=True)
    module, _, name = cfg.pop("_target_").rpartition(".")
    run = make_run(path, watch)
    try:
        getattr(importlib.import_module(module), name)(TaskConfig(cfg), run)
    except StopTrial:
        pass
    finally:
        run.unwatch()
    points = points_of(read_events(RunDir(path).events, 0)[0])
    assert any(name.startswith("watch/") for name in points) == (watch != "off")
    return {
        name: [(step, value.hex()) for step, value in zip(s.steps.tolist(), s.values.tolist(), strict=True)]
        for name, s in points.items()
        if not name.startswith("watch/")
    }


@pytest.mark.parametrize("name", TRAININGS)
def test_watching_changes_no_bit_of_what_a_training_computes(tmp_path: Path, name: str) -> None:
    task, changes = TRAININGS[name]
    unwatched = losses(tmp_path / "off", "off", task, changes)
    assert unwatched["train/loss"]
    assert losses(tmp_path / "light", "light", task, changes) == unwatched
    assert losses(tmp_path / "deep", "deep", task, changes) == unwatched
