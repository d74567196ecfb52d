"""Rival: Hydra's multirun. `python -m launching.hydra_app --multirun kind=KIND 'seed=range(TRIALS)'`."""

import hydra
from omegaconf import DictConfig


@hydra.main(version_base=None, config_path=None)
def app(config: DictConfig) -> float:
    from launching.training import trial  # in a joblib worker: once per process

    return trial(config.kind, config.seed)[-1][1]


if __name__ == "__main__":
    app()
