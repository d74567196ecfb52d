"""A trial as a VisualDL log directory: its scalars, hyperparameters and pictures, opened by `visualdl --logdir`."""

import hashlib
import io
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from sweep.clock import now_utc
from sweep.domain.metric import Series
from sweep.domain.trial import TrialRecord
from sweep.rundir import naming

FILE_NAME = "vdlrecords.0000000000.log"
"""VisualDL recognizes its files by this name; here one file holds a whole trial."""

FLOAT_MAX = 3.4028234663852886e38
"""Largest 32-bit float, which VisualDL's records hold; finite values beyond it are cut to it."""
LONGEST_RUN_NAME = 80
INT_MAX = 2**31 - 1


def write_trial(
    vdl_dir: Path,
    hparams: Mapping[str, object],
    series: Mapping[str, Series],
    *,
    name: str = "",
    pictures: Sequence[Path] = (),
) -> None:
    """Write one trial's series and hyperparameters as a VisualDL log directory, replacing what is there.

    `name` is the name of the run in VisualDL; if empty, it is that of the trial's folder (see `run_name`). `pictures`
    are PNG files, which become images under their names.

    Nested hyperparameters get dotted names; values other than text, numbers and bools are written as text, None is left
    out. NaN and infinities are kept: VisualDL's server shows them by name and leaves a gap in the line.
    A `%` in a metric's name, which VisualDL rejects, becomes `_`. Raises OSError.
    """
    # Imported here: it takes 0.3 s and imports Flask. Not LogWriter: its queue and thread take 20 times as long.
    from visualdl.component.base_component import hparam, meta_data, scalar
    from visualdl.writer.record_writer import RecordWriter

    now_ms = round(now_utc().timestamp() * 1000)
    tags = {metric: metric.replace("%", "_") for metric in series}
    file = vdl_dir / FILE_NAME
    buffer = io.BytesIO()
    write = RecordWriter(buffer).write
    shown = name or vdl_dir.parent.name
    write(meta_data(tag="meta_data_tag", display_name=shown, step=0, walltime=now_ms).SerializeToString())
    identity = hashlib.md5(os.fsencode(file), usedforsecurity=False).hexdigest()
    write(hparam(identity, dict(flat_hparams(hparams)), list(tags.values()), now_ms).SerializeToString())
    for metric, tag in tags.items():
        points = zip(series[metric].steps.tolist(), series[metric].values.tolist(), strict=True)
        for step, value in points:
            write(scalar(tag, as_float32(value), step, now_ms).SerializeToString())
    for picture in pictures:
        write(_image(picture, now_ms))
    vdl_dir.mkdir(parents=True, exist_ok=True)
    temporary = vdl_dir / ".writing.tmp"
    with naming(file):
        temporary.write_bytes(buffer.getvalue())
    temporary.replace(file)


def can_write() -> bool:
    """Return whether VisualDL is installed. It is optional: it needs pandas, and pandas 3 replaces numpy 1."""
    return find_spec("visualdl") is not None


def run_name(trial: TrialRecord, trials: int) -> str:
    """Return the name of a run in VisualDL, from its number, cell and seed: `03 dropout=off s2`.

    Numbers are padded so that names sort by them in a study with this number of `trials`. The name has at most 80
    characters and could name a folder: characters other than letters, digits and `_=.+-` become `_`.
    """
    cell = re.sub(r"[^\w=.+-]", "_", str(trial.cell).replace(" + ", "+"))
    number, seed = str(trial.number).zfill(max(2, len(str(trials - 1)))), f"s{trial.seed}"
    room = LONGEST_RUN_NAME - len(number) - len(seed) - 2
    return f"{number} {cell if len(cell) <= room else cell[: room - 1] + '…'} {seed}"


def is_written(vdl_dir: Path) -> bool:
    """Return whether a trial's log exists; a killed orchestrator, or a full disk, may leave a folder without it."""
    return (vdl_dir / FILE_NAME).exists()


def _image(picture: Path, now_ms: int) -> bytes:
    """Return the record of a PNG file, unchanged; VisualDL's `image` would decode and re-encode it."""
    from visualdl.proto.record_pb2 import Record

    image = Record.Image(encoded_image_string=picture.read_bytes())
    tag = picture.stem.replace("%", "_")
    record: bytes = Record(values=[Record.Value(id=0, tag=tag, timestamp=now_ms, image=image)]).SerializeToString()
    return record


def as_float32(value: float) -> float:
    """Return a value that a 32-bit float can hold: finite values are cut to FLOAT_MAX, NaN and inf are kept."""
    return max(-FLOAT_MAX, min(FLOAT_MAX, value)) if math.isfinite(value) else value


def flat_hparams(hparams: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str | int | float]]:
    """Yield (dotted name, value) for every leaf except None: numbers unchanged, all others as text."""
    for key, value in hparams.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flat_hparams(value, f"{name}.")
        elif isinstance(value, float):
            yield name, as_float32(value)
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INT_MAX:
            yield name, value
        elif value is not None:
            yield name, str(value)
