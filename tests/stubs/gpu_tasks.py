"""Tasks on a real GPU, for Paddle where it is built with CUDA, otherwise for PyTorch: the launcher knows neither."""

import json
import os
import time


def _framework():
    """Return Paddle or PyTorch."""
    try:
        import paddle

        if paddle.is_compiled_with_cuda():
            return paddle
    except ImportError:
        pass
    import torch

    return torch


def _matrix(size: int):
    """Return a square matrix on the GPU and a function that waits for the device."""
    framework = _framework()
    if framework.__name__ == "paddle":
        return framework.ones([size, size]), framework.device.synchronize
    return framework.ones(size, size, device="cuda"), framework.cuda.synchronize


def busy(cfg, run):
    """Multiply, once as many runs as `beside` says are on their GPU; leave what the process sees of the devices."""
    matrix, wait = _matrix(256)
    wait()
    run.artifact("began").touch()
    while sum(1 for _ in run.dir.parent.glob("*/artifacts/began")) < cfg.beside:
        time.sleep(0.01)
    for step in range(1, cfg.steps + 1):
        matrix = matrix @ matrix * 1e-3
        wait()
        run.log(step, loss=float(step))
    framework = _framework()
    cuda = framework.device.cuda if framework.__name__ == "paddle" else framework.cuda
    seen = {
        "visible": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "names": [cuda.get_device_name(number) for number in range(cuda.device_count())],
    }
    run.artifact("seen.json").write_text(json.dumps(seen))


def hoard(cfg, run):
    """Allocate until there is no more, a GiB a step."""
    run.artifact("framework").write_text(_framework().__name__)
    kept = []
    for step in range(1, 10_000):
        matrix, wait = _matrix(16_384)  # 1 GiB of float32
        wait()
        kept.append(matrix)
        run.log(step, loss=0.0)
