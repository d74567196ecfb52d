"""The data probe: measures what a task trains on, puts a batch through its model, and draws the batch."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.domain.check import FINDINGS
from sweep.picture import layout_of, visualize_batch
from sweep.rundir import write_json_atomic
from sweep.worker.probes.ignored import count_of, ignored_label, masked, units_of, without
from sweep.worker.probes.measures import (
    classes_of,
    kind_of,
    measure_inputs,
    measure_labels,
    measure_order,
    measure_overlap,
)
from sweep.worker.probes.neighbours import measure_neighbours
from sweep.worker.probes.reading import ReadSet, UnreadableError, read_set, split_sets

PICTURE = "batch.png"
"""The picture of a batch, among the run's artifacts."""
IGNORE_KNOB = "ignore_index"
"""Key of the task section that names the label that its loss leaves out."""


def run_probe(task: Any, cfg: Any, run: Any, settings: Mapping[str, Any]) -> None:
    """Write FINDINGS: `files` (why there are no data), `train`, `val`, `ignored`, `order`, `overlap`, `neighbours`,
    `model`, `picture`.

    An error of the task's own code is a finding, with its message; nothing of it is raised.
    """
    findings: dict[str, Any] = {"has_data": task.data is not None, "has_model": task.model is not None}
    if task.data is not None:
        findings |= _findings(task, cfg, run, settings)
    write_json_atomic(run.artifact(FINDINGS), _strict(findings))


def _findings(task: Any, cfg: Any, run: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    try:
        if task.prepare is not None:
            task.prepare(cfg)
        parts = split_sets(task.data(cfg))
    except Exception as error:
        return {"files": f"{type(error).__name__}: {error}"}
    found: dict[str, Any] = {"files": None}
    sets: dict[str, ReadSet] = {}
    for name, part in zip(("train", "val"), parts, strict=True):
        if part is None:
            continue
        try:
            sets[name] = read_set(part, limit=int(settings["limit"]), seconds=float(settings["read_s"]))
        except UnreadableError as error:
            found[name] = {"type": type(part).__name__, "unreadable": str(error)}
    network, found["model"] = _model(task, cfg, run, sets.get("train"))
    found["ignored"] = _ignored(sets, found["model"], settings, cfg)
    ignored = (found["ignored"] or {}).get("label")
    units, metric = (found["model"] or {}).get("units"), settings.get("metric")
    for name, part in sets.items():
        found[name] = _set_findings(part, sets.get("train", part), units, metric, ignored)
    train, val = sets.get("train"), sets.get("val")
    if train is None or train.x is None:
        return found
    _picture(found, train, run, int(settings["picture"]))
    found["overlap"] = measure_overlap(train.x, train.y, None if val is None else val.x, ignored)
    kind = found["train"].get("labels", {}).get("kind", "other")
    train, val = _masked(train, ignored), None if val is None else _masked(val, ignored)
    if train.y is not None and kind == "classes":
        found["order"] = measure_order(train.y)
    if train.x is not None and train.y is not None and kind != "other" and found["train"]["inputs"]["is_numeric"]:
        found["neighbours"] = _neighbours(train.x, train.y, val, kind)
    if network is not None:
        found["reads_input"] = _reads_input(network, train, val, kind, settings)
    return found


def _ignored(
    sets: Mapping[str, ReadSet], model: Mapping[str, Any] | None, settings: Mapping[str, Any], cfg: Any
) -> dict[str, Any] | None:
    """Return the label that stands for "ignored", the key that names it, and how many there are in each set.

    `key` is None if no key names it: it was recognised. The task's own `ignore_index` counts if a label has it.
    """
    labels = {name: part.y for name, part in sets.items() if part.y is not None}
    own, label = getattr(cfg, IGNORE_KNOB, None), settings.get("ignore_label")
    key: str | None = "probe.ignore_label"
    is_own = isinstance(own, int) and any(count_of(y, own) for y in labels.values())
    if label is None and is_own:
        label, key = own, f"task.{IGNORE_KNOB}"
    elif label is None:
        output = (model or {}).get("output") or ()
        label, key = ignored_label(list(labels.values()), output=output, metric=settings.get("metric")), None
    if label is None:
        return None
    counts = {name: {"count": count_of(y, label), "of": int(y.size)} for name, y in labels.items()}
    return {"label": int(label), "key": key, **counts}


def _masked(part: ReadSet, ignored: int | None) -> ReadSet:
    return part if part.y is None else replace(part, y=masked(part.y, ignored))


def _set_findings(
    part: ReadSet, train: ReadSet, units: int | None, metric: str | None, ignored: int | None
) -> dict[str, Any]:
    found: dict[str, Any] = {"type": part.type_name, "total": part.total, "read": part.read, "problem": part.problem}
    if part.x is None:
        return found
    layout = layout_of(train.x) if train.x is not None and train.x.shape[1:] == part.x.shape[1:] else None
    found["inputs"] = measure_inputs(part.x, layout)
    if part.y is not None:
        given = part.y if train.y is None else train.y
        kind = kind_of(given if classes_of(given) is None else without(given, ignored), units, metric)
        found["labels"] = measure_labels(without(part.y, ignored), kind) | {"shape": list(part.y.shape[1:])}
    return found


def _model(task: Any, cfg: Any, run: Any, train: ReadSet | None) -> tuple[Any, dict[str, Any] | None]:
    """Return (network, what a batch through it showed); the network is None where it cannot take one."""
    if task.model is None or train is None or train.x is None:
        return None, None
    import paddle

    from sweep.worker.probes.forward import BATCH, forward

    try:
        paddle.seed(run.stream("init"))
        network = task.model(cfg)
    except Exception as error:
        return None, {"error": f"{type(error).__name__}: {error}"}
    batch = train.x[:BATCH]
    if hasattr(network, "eval"):
        network.eval()
    output, fault = forward(network, batch)
    if fault is not None:
        return None, {"batch": list(batch.shape), "fault": fault}
    shape = [int(size) for size in getattr(output, "shape", ())]
    return network, {
        "batch": list(batch.shape),
        "fault": None,
        "output": shape,
        "units": units_of(shape, () if train.y is None else train.y.shape),
        "is_finite": bool(np.isfinite(output.numpy().astype(np.float64)).all()) if shape else None,
        "labels": None if train.y is None else [len(batch), *train.y.shape[1:]],
    }


def _reads_input(
    network: Any, train: ReadSet, val: ReadSet | None, kind: str, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what zeroing the input changes, before and after a brief training."""
    from sweep.worker.probes.forward import BATCH, Probed, brief_training, change_without_input

    assert train.x is not None
    found: dict[str, Any] = {"untrained": change_without_input(network, train.x[:BATCH])}
    held_out = None if val is None or val.x is None else Probed(x=val.x, y=val.y, kind=kind)
    try:
        found["trained"] = brief_training(
            network,
            Probed(x=train.x, y=train.y, kind=kind),
            held_out,
            steps=int(settings["train_steps"]),
            seconds=float(settings["train_s"]),
        )
    except Exception as error:
        found["not_trained"] = f"{type(error).__name__}: {error}"[:300]
    return found


def _picture(found: dict[str, Any], train: ReadSet, run: Any, limit: int) -> None:
    try:
        visualize_batch(train.x, train.y, limit=limit).save(run.artifact(PICTURE))
        found["picture"] = PICTURE
    except Exception as error:
        found["no_picture"] = f"{type(error).__name__}: {error}"


def _neighbours(x: NDArray[Any], y: NDArray[Any], val: ReadSet | None, kind: str) -> dict[str, Any] | None:
    val_x, val_y = (None, None) if val is None else (val.x, val.y)
    try:
        return measure_neighbours(x, y, val_x, val_y, kind)
    except (MemoryError, ValueError, TypeError):  # not comparable: then nothing is said of it
        return None


def _strict(value: Any) -> Any:
    """Return plain data with None for what strict JSON cannot say."""
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
