"""Rival: Ray Tune on two CPUs. `python -m launching.ray_tune TRIALS KIND [reuse]`."""

import sys
from pathlib import Path
from typing import Any

import ray
from ray import tune


def trainable(config: dict[str, Any]) -> None:
    import paddle

    from launching.training import trial

    paddle.disable_static()  # a reused worker runs each trial in a new thread, where paddle is not in dygraph mode
    tune.report({"loss": trial(config["kind"], config["seed"])[-1][1]})


def main(trials: int, kind: str, *, reuse_actors: bool) -> None:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"kind": kind, "seed": tune.grid_search(list(range(trials)))},
        tune_config=tune.TuneConfig(max_concurrent_trials=2, reuse_actors=reuse_actors),
        run_config=tune.RunConfig(storage_path=str(Path.cwd() / "ray_results"), verbose=0),
    )
    failed = tuner.fit().num_errors
    ray.shutdown()
    sys.exit(f"{failed} trials failed" if failed else 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], reuse_actors="reuse" in sys.argv)
