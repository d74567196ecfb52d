"""The data check: measures what a task trains on, passes a batch through its model, and draws the batch."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from sweep.domain.check import FINDINGS, Check
from sweep.domain.data_figures import (
    DataFindings,
    FailedModel,
    IgnoredLabel,
    InputReading,
    LabelCount,
    LabelKind,
    ModelFigures,
    NeighbourFigures,
    PassedBatch,
    RefusedBatch,
    SetFigures,
    UnreadableSet,
)
from sweep.domain.json_form import to_object
from sweep.picture import layout_of, visualize_batch
from sweep.rundir import write_json_atomic
from sweep.task import StopTrial, TaskConfig
from sweep.worker.checks.ignored import count_of, ignored_label, masked, units_of, without
from sweep.worker.checks.measures import (
    classes_of,
    kind_of,
    measure_inputs,
    measure_labels,
    measure_order,
    measure_overlap,
)
from sweep.worker.checks.neighbours import measure_neighbours
from sweep.worker.checks.reading import ReadSet, UnreadableError, read_set, split_sets
from sweep.worker.hooks import Hooks, Role

if TYPE_CHECKING:
    from sweep.worker.loading import Task
    from sweep.worker.run import WorkerRun

PICTURE = "batch.png"
"""The picture of a batch, among the run's artifacts."""
IGNORE_KNOB = "ignore_index"
"""Key of the task section with the label that the loss ignores."""


def run_check(task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> None:
    """Write DataFindings. An error in the task's code is not raised: it is a finding, with its message."""
    found = DataFindings(has_data=task.data is not None, has_model=task.model is not None)
    if task.is_script:
        found = _of_script(task, cfg, run, check)
    elif task.data is not None:
        found = _with_sets(found, task, cfg, run, check)
    write_json_atomic(run.artifact(FINDINGS), to_object(found))


def _of_script(task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> DataFindings:
    """Return the findings on what a script trains on, seen in the first steps of its training.

    Raises StopTrial if the run is asked to stop.
    """
    from sweep.worker.checks.seen_batches import SeenBatches  # imports paddle

    seen = SeenBatches(limit=check.whole("limit"), seconds=check.number("read_s"))
    why = "its networks get no tensor of inputs"
    try:
        with Hooks(Role.CHANGES) as hooks:
            seen.install(hooks)
            task.train(cfg, run)
    except StopTrial:
        if run.stop_reason is not None:
            raise
    except (Exception, SystemExit) as error:
        why = f"it failed: {type(error).__name__}: {error}"
    sets, network = seen.sets(), seen.first_network()
    found = DataFindings(has_data=sets is not None, has_model=network is not None, seen_steps=seen.steps)
    if sets is None:
        return replace(found, not_seen=f"no batch of the training was seen: {why}")
    data = sets if sets[1] is not None else sets[0]
    shown = replace(task, prepare=None, data=lambda _: data, model=None if network is None else lambda _: network)
    return _with_sets(found, shown, cfg, run, check)


def _with_sets(found: DataFindings, task: "Task", cfg: TaskConfig, run: "WorkerRun", check: Check) -> DataFindings:
    """Return the findings, with those on the task's sets and its model added."""
    try:
        if task.prepare is not None:
            task.prepare(cfg)
        parts = split_sets(task.data(cfg)) if task.data is not None else (None, None)
    except Exception as error:
        return replace(found, files=f"{type(error).__name__}: {error}")
    sets: dict[str, ReadSet] = {}
    unreadable: dict[str, UnreadableSet] = {}
    for name, part in zip(("train", "val"), parts, strict=True):
        if part is None:
            continue
        try:
            sets[name] = read_set(part, limit=check.whole("limit"), seconds=check.number("read_s"))
        except UnreadableError as error:
            unreadable[name] = UnreadableSet(type_name=type(part).__name__, unreadable=str(error))
    network, model = _model(task, cfg, run, sets.get("train"))
    passed, metric = model if isinstance(model, PassedBatch) else None, cast("str | None", check.settings.get("metric"))
    ignored = _ignored(sets, passed, check, cfg)
    label = None if ignored is None else ignored.label
    units = None if passed is None else passed.units
    figures = {name: _set_figures(part, sets.get("train", part), units, metric, label) for name, part in sets.items()}
    found = replace(
        found,
        model=model,
        ignored=ignored,
        train=figures.get("train") or unreadable.get("train"),
        val=figures.get("val") or unreadable.get("val"),
    )
    train, val = sets.get("train"), sets.get("val")
    if train is None or train.x is None:
        return found
    found = _with_picture(found, train, run, check.whole("picture"))
    found = replace(found, overlap=measure_overlap(train.x, train.y, None if val is None else val.x, label))
    return _with_labels(found, figures["train"], _masked(train, label), val and _masked(val, label), network, check)


def _with_labels(
    found: DataFindings, figures: SetFigures, train: ReadSet, val: ReadSet | None, network: Any, check: Check
) -> DataFindings:
    """Return the findings, with those on labels and inputs together added."""
    kind = LabelKind.OTHER if figures.labels is None else figures.labels.kind
    if train.y is not None and kind is LabelKind.CLASSES:
        found = replace(found, order=measure_order(train.y))
    is_numeric = figures.inputs is not None and figures.inputs.is_numeric
    if train.x is not None and train.y is not None and kind is not LabelKind.OTHER and is_numeric:
        found = replace(found, neighbours=_neighbours(train.x, train.y, val, kind))
    if network is not None:
        found = replace(found, reads_input=_reads_input(network, train, val, kind, check))
    return found


def _ignored(
    sets: Mapping[str, ReadSet], passed: PassedBatch | None, check: Check, cfg: TaskConfig
) -> IgnoredLabel | None:
    """Return the label that means "ignored", the key that sets it, and its number in each set; None if there is none.

    The task's own `ignore_index` is used if a label has this value.
    """
    labels = {name: part.y for name, part in sets.items() if part.y is not None}
    own, label = cfg.get(IGNORE_KNOB), cast("int | None", check.settings.get("ignore_label"))
    key: str | None = "probe.ignore_label"
    is_own = isinstance(own, int) and any(count_of(y, own) for y in labels.values())
    if label is None and is_own:
        label, key = own, f"task.{IGNORE_KNOB}"
    elif label is None:
        metric = cast("str | None", check.settings.get("metric"))
        output = () if passed is None else passed.output
        label, key = ignored_label(list(labels.values()), output=output, metric=metric), None
    if label is None:
        return None
    counts = {name: LabelCount(count=count_of(y, label), of=int(y.size)) for name, y in labels.items()}
    return IgnoredLabel(label=int(label), key=key, train=counts.get("train"), val=counts.get("val"))


def _masked(part: ReadSet, ignored: int | None) -> ReadSet:
    return part if part.y is None else replace(part, y=masked(part.y, ignored))


def _set_figures(
    part: ReadSet, train: ReadSet, units: int | None, metric: str | None, ignored: int | None
) -> SetFigures:
    figures = SetFigures(type_name=part.type_name, total=part.total, read=part.read, problem=part.problem)
    if part.x is None:
        return figures
    layout = layout_of(train.x) if train.x is not None and train.x.shape[1:] == part.x.shape[1:] else None
    figures = replace(figures, inputs=measure_inputs(part.x, layout))
    if part.y is None:
        return figures
    given = part.y if train.y is None else train.y
    kind = kind_of(given if classes_of(given) is None else without(given, ignored), units, metric)
    labels = measure_labels(without(part.y, ignored), kind)
    return replace(figures, labels=replace(labels, shape=part.y.shape[1:]))


def _model(task: "Task", cfg: TaskConfig, run: "WorkerRun", train: ReadSet | None) -> tuple[Any, ModelFigures | None]:
    """Return (network, result of passing a batch); the network is None if it fails on the batch."""
    if task.model is None or train is None or train.x is None:
        return None, None
    import paddle

    from sweep.worker.checks.forward import BATCH, forward

    try:
        paddle.seed(run.stream("init"))
        network = task.model(cfg)
    except Exception as error:
        return None, FailedModel(error=f"{type(error).__name__}: {error}")
    batch = train.x[:BATCH]
    if hasattr(network, "eval"):
        network.eval()
    output, fault = forward(network, batch)
    if fault is not None:
        return None, RefusedBatch(batch=batch.shape, fault=fault)
    shape = tuple(int(size) for size in getattr(output, "shape", ()))
    return network, PassedBatch(
        batch=batch.shape,
        output=shape,
        units=units_of(shape, () if train.y is None else train.y.shape),
        is_finite=bool(np.isfinite(output.numpy().astype(np.float64)).all()) if shape else None,
        labels=None if train.y is None else (len(batch), *train.y.shape[1:]),
    )


def _reads_input(network: Any, train: ReadSet, val: ReadSet | None, kind: LabelKind, check: Check) -> InputReading:
    """Return the effect of zeroing the input, before and after a brief training."""
    from sweep.worker.checks.forward import BATCH, Samples, brief_training, change_without_input

    assert train.x is not None
    reading = InputReading(untrained=change_without_input(network, train.x[:BATCH]))
    held_out = None if val is None or val.x is None else Samples(x=val.x, y=val.y, kind=kind)
    try:
        trained = brief_training(
            network,
            Samples(x=train.x, y=train.y, kind=kind),
            held_out,
            steps=check.whole("train_steps"),
            seconds=check.number("train_s"),
        )
    except Exception as error:
        return replace(reading, not_trained=f"{type(error).__name__}: {error}"[:300])
    return replace(reading, trained=trained)


def _with_picture(found: DataFindings, train: ReadSet, run: "WorkerRun", limit: int) -> DataFindings:
    try:
        visualize_batch(train.x, train.y, limit=limit).save(run.artifact(PICTURE))
    except Exception as error:
        return replace(found, no_picture=f"{type(error).__name__}: {error}")
    return replace(found, picture=PICTURE)


def _neighbours(x: NDArray[Any], y: NDArray[Any], val: ReadSet | None, kind: LabelKind) -> NeighbourFigures | None:
    val_x, val_y = (None, None) if val is None else (val.x, val.y)
    try:
        return measure_neighbours(x, y, val_x, val_y, kind)
    except (MemoryError, ValueError, TypeError):  # the samples cannot be compared
        return None
