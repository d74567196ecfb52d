import gzip
import io
import pickle
import struct
import tarfile

import numpy as np
import pytest
from recorded_run import RecordedRun

from sweep.task import TaskConfig
from tasks import cifar10, mnist

KNOBS = {
    "steps": 4,
    "eval_every": 2,
    "log_every": 1,
    "batch_size": 16,
    "batch_scale": 1.0,
    "shuffle": True,
    "optimizer": "momentum",
    "lr": 0.01,
    "lr_scale": 1.0,
    "scheduler": "constant",
    "clip": None,
    "weight_decay": 0.0,
    "init": "default",
    "activation": "relu",
    "dropout": 0.1,
    "augmentation": True,
    "max_shift": 2.0,
    "max_rotation": 10.0,
    "padding": 4,
}


def write_mnist(folder, mode, n, rng):
    """Write n images and labels as MNIST is distributed: gzip of big-endian idx with magic 2051 and 2049."""
    pixels, labels = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8), rng.integers(0, 10, n, dtype=np.uint8)
    images_name, labels_name = mnist.FILES[mode]
    (folder / images_name).write_bytes(gzip.compress(struct.pack(">IIII", 2051, n, 28, 28) + pixels.tobytes()))
    (folder / labels_name).write_bytes(gzip.compress(struct.pack(">II", 2049, n) + labels.tobytes()))
    return pixels, labels


def write_cifar10(folder, n, rng):
    """Write the archive as CIFAR-10 is distributed: five training batches and a test batch of n images each."""
    written = {}
    with tarfile.open(folder / cifar10.ARCHIVE, "w:gz") as archive:
        for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]:
            pixels, labels = rng.integers(0, 256, (n, 3072), dtype=np.uint8), rng.integers(0, 10, n).tolist()
            content = pickle.dumps({b"batch_label": name.encode(), b"labels": labels, b"data": pixels}, protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
            written[name] = pixels, labels
    return written


@pytest.fixture
def rng():
    return np.random.default_rng(5)


# Paddle's reader takes MNIST in blocks of 100 images, so the counts here are multiples of it, as the real ones are.
def test_mnist_files_are_read_as_written(tmp_path, rng):
    train, test = write_mnist(tmp_path, "train", 200, rng), write_mnist(tmp_path, "test", 100, rng)
    for part, (pixels, labels) in zip(mnist.data(TaskConfig({"data_dir": str(tmp_path)})), (train, test), strict=True):
        assert part.x.dtype == np.float32
        assert np.array_equal(np.rint(part.x[:, 0] * 255), pixels)
        assert np.array_equal(part.y, labels)
        assert part.y.dtype == np.int64


def test_cifar10_archive_is_read_as_written(tmp_path, rng):
    written = write_cifar10(tmp_path, 20, rng)
    train, test = cifar10.data(TaskConfig({"data_dir": str(tmp_path)}))
    assert train.x.shape == (100, 3, 32, 32)
    assert train.x.dtype == np.float32
    pixels, labels = written["data_batch_2"]
    assert np.array_equal(np.rint((train.x[20:40] + 1) * 127.5).reshape(20, -1), pixels)
    assert train.y[20:40].tolist() == labels
    assert test.y.tolist() == written["test_batch"][1]


@pytest.mark.parametrize("task", [mnist, cifar10])
def test_a_task_on_local_files_trains_and_evaluates(task, tmp_path, rng):
    if task is mnist:
        write_mnist(tmp_path, "train", 200, rng)
        write_mnist(tmp_path, "test", 100, rng)
    else:
        write_cifar10(tmp_path, 20, rng)
    run = RecordedRun()
    task.prepare(TaskConfig({"data_dir": str(tmp_path)}))
    task.train(TaskConfig({**KNOBS, "data_dir": str(tmp_path)}), run)
    assert [step for step, metrics in run.lines if "val/acc" in metrics] == [2, 4]
    assert run.facts["label_entropy"] > 2


@pytest.mark.parametrize("task", [mnist, cifar10])
def test_missing_files_are_named_and_nothing_is_downloaded(task, tmp_path):
    expected = [*mnist.FILES["train"], *mnist.FILES["test"]] if task is mnist else [cifar10.ARCHIVE]
    with pytest.raises(FileNotFoundError) as error:
        task.data(TaskConfig({"data_dir": str(tmp_path / "nowhere")}))
    assert all(name in str(error.value) for name in expected)
    assert "downloads nothing" in str(error.value)
    assert not (tmp_path / "nowhere").exists()


def test_only_what_is_missing_is_named_as_missing(tmp_path, rng):
    write_mnist(tmp_path, "train", 100, rng)
    with pytest.raises(FileNotFoundError) as error:
        mnist.data(TaskConfig({"data_dir": str(tmp_path)}))
    missing = str(error.value).splitlines()[0]
    assert mnist.FILES["test"][0] in missing
    assert mnist.FILES["train"][0] not in missing
