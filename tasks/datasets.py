"""The bundled data sets: scikit-learn's digits, breast cancer and diabetes, as arrays. Nothing is downloaded."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One part of a data set: inputs `x` [n, ...] float32, `y` [n] int64 classes or [n, 1] float32 targets.

    It has the interface of a map-style `paddle.io.Dataset`, so `paddle.io.DataLoader` accepts it.
    """

    x: Floats
    y: NDArray[Any]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Floats, NDArray[Any]]:
        return self.x[index], self.y[index]


@lru_cache(maxsize=1)
def load_digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the 1,797 handwritten digits: images [1797, 8, 8] with values 0 to 16, classes [1797] 0 to 9."""
    table = np.loadtxt(_bundled("digits.csv.gz"), delimiter=",")
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64)


@lru_cache(maxsize=1)
def load_breast_cancer() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the 569 tumours: features [569, 30] in raw units, classes [569]: 0 malignant, 1 benign."""
    # The first line holds the counts and the names of the classes.
    table = np.loadtxt(_bundled("breast_cancer.csv"), delimiter=",", skiprows=1)
    return table[:, :-1], table[:, -1].astype(np.int64)


@lru_cache(maxsize=1)
def load_diabetes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 442 patients: features [442, 10] in raw units, disease progression after one year [442], 25 to 346."""
    return np.loadtxt(_bundled("diabetes_data_raw.csv.gz")), np.loadtxt(_bundled("diabetes_target.csv.gz"))


def split_indices(n: int, n_val: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of the training and of the validation part, in shuffled order.

    The split belongs to the task, not to a trial: it is the same for every seed, so that all trials are judged alike.
    """
    order = np.random.default_rng(20240229).permutation(n)
    return order[n_val:], order[:n_val]


def standardise(features: NDArray[np.float64], train_rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return features [n, d] with zero mean and unit variance over the training rows, feature by feature."""
    seen = features[train_rows]
    return np.asarray((features - seen.mean(axis=0)) / seen.std(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Standardises inputs feature by feature; `mean` and `std` are shaped as one input (or one value per channel)."""

    mean: Floats
    std: Floats

    @classmethod
    def of(cls, x: Floats, *, axes: tuple[int, ...]) -> "Scaling":
        """Return the scaling of training inputs [n, ...], whose features are the remaining axes without `axes`.

        A feature that is constant is only moved to 0.
        """
        std = x.std(axis=axes, keepdims=True)
        return cls(x.mean(axis=axes, keepdims=True), np.where(std > 0, std, np.float32(1)))

    def apply(self, x: Floats) -> Floats:
        """Return inputs [n, ...] standardised with the mean and variance of the training inputs."""
        return np.asarray((x - self.mean) / self.std, dtype=np.float32)

    def undo(self, x: Floats) -> Floats:
        """Return standardised inputs converted back to their own units."""
        return np.asarray(x * self.std + self.mean, dtype=np.float32)


def standardise_sets(
    train_set: Samples, val_set: Samples, input_norm: str | None, *, axes: tuple[int, ...]
) -> tuple[Samples, Samples, Scaling | None]:
    """Return the sets as `input_norm` says, and what scales their inputs: None if it is null, as they are then."""
    if input_norm is None:
        return train_set, val_set, None
    scaling = Scaling.of(train_set.x, axes=axes)
    train_set, val_set = (Samples(scaling.apply(part.x), part.y) for part in (train_set, val_set))
    return train_set, val_set, scaling


def local_files(name: str, data_dir: str, file_names: list[str]) -> None:
    """Raise FileNotFoundError, naming the missing files, unless all of them are in the folder."""
    missing = [file_name for file_name in file_names if not Path(data_dir, file_name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{name}: not found in task.data_dir={data_dir!r}: {', '.join(missing)}\n"
            f"  hint: sweep downloads nothing; put {', '.join(file_names)} there, as {name} is distributed"
        )


def _bundled(file_name: str) -> Path:
    """Return the path of a data file inside the scikit-learn package.

    The package is located, not imported: `import sklearn.datasets` costs about 2 s in every trial's process, reading
    the file some 20 ms. A test holds these arrays equal to those of scikit-learn's own loaders, bit by bit.
    """
    found = find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(
            f"this task reads {file_name}, which comes with scikit-learn, and scikit-learn is not installed\n"
            "  hint: install the extra `examples`: pip install 'paddle-sweep[examples]'",
            name="sklearn",
        )
    path = Path(found.submodule_search_locations[0], "datasets", "data", file_name)
    if not path.is_file():
        raise FileNotFoundError(
            f"the installed scikit-learn has no {path}\n"
            "  hint: a scikit-learn between 1.5 and 2 has it: pip install 'paddle-sweep[examples]'"
        )
    return path
