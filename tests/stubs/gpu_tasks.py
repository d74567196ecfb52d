"""Tasks on a real GPU, for Paddle where it is built with CUDA, otherwise for PyTorch: the launcher knows neither."""

import os


def _matrix(size: int):
    """Return a square matrix on the GPU and a function that waits for the device."""
    try:
        import paddle

        if paddle.is_compiled_with_cuda():
            return paddle.ones([size, size]), paddle.device.synchronize
    except ImportError:
        pass
    import torch

    return torch.ones(size, size, device="cuda"), torch.cuda.synchronize


def busy(cfg, run):
    """Multiply for a while; log what the process sees of the devices."""
    matrix, wait = _matrix(256)
    for step in range(1, cfg.steps + 1):
        matrix = matrix @ matrix * 1e-3
        wait()
        run.log(step, loss=float(step))
    run.artifact("visible").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))


def hoard(cfg, run):
    """Allocate until there is no more."""
    kept = []
    for step in range(1, 10_000):
        matrix, wait = _matrix(16_384)  # 1 GiB of float32
        wait()
        kept.append(matrix)
        run.log(step, loss=0.0)
