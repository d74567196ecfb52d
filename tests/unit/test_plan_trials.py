import json
from dataclasses import replace

import pytest
from omegaconf import OmegaConf

from sweep.config import DriverConfig, LauncherConfig, LoadedConfig, StudyConfig
from sweep.config.knobs import TaskBase
from sweep.config.source import find_task, missing_imports
from sweep.domain.axis import BASE, Axis, Cell, Level, Toggle
from sweep.domain.inert import InertToggle
from sweep.domain.target import Mode, Target
from sweep.domain.task_ref import TaskRef
from sweep.errors import ConfigError
from sweep.plan import DESIGNS, TrialComposer, build_plan
from sweep.plan.fingerprint import canonical_json, fingerprint

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=100, stop_early=True)


def axis(name, **levels):
    return Axis(name=name, levels=tuple(Level(name=level, overrides=(text,)) for level, text in levels.items()))


AXES = (axis("dropout", off="task.dropout=0"), axis("width", small="task.width=2", big="task.width=64"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plantask.py").write_text("def train(cfg, run): pass\n")
    return tmp_path


@pytest.fixture
def loaded(folder):
    return make_loaded()


def make_loaded(*, axes=AXES, seeds=(0, 1, 2), target=TARGET):
    task = {"_target_": "plantask.train", "dropout": 0.5, "width": 8, "hidden": "${task.width}", "steps": "${budget}"}
    study = StudyConfig(
        name="s", task_name="plantask", ablation=None, task={**task, "hidden": 8, "steps": 100}, axes=axes, params={},
        driver=DriverConfig(name="grid", settings={"design": "one_at_a_time"}), seeds=seeds, target=target,
        launcher=LauncherConfig(name="local", timeout_s=None, retries=1),
        store_url="sqlite://", results="results", inert=(InertToggle.at_baseline(Toggle("clip", "off")),), raw={},
    )  # fmt: skip
    return LoadedConfig(
        study=study,
        base=TaskBase(OmegaConf.create({"task": task, "budget": 100})),
        source=find_task(TaskRef.of({"_target_": "plantask.train"})),
        command=(),
    )


def test_a_trials_config_is_the_base_with_the_cells_overrides(loaded):
    (spec,) = TrialComposer(loaded).compose(Cell.of(["width=big", "dropout=off"]), [7])
    assert spec.seed == 7
    assert spec.overrides == ("task.dropout=0", "task.width=64")
    assert spec.task == {"_target_": "plantask.train", "dropout": 0.0, "width": 64, "hidden": 64, "steps": 100}


def test_search_values_are_applied_after_the_levels(loaded):
    cell = Cell(params=(("task.width", "3"),))
    (spec,) = TrialComposer(loaded).compose(cell, [0])
    assert (spec.task["width"], spec.task["hidden"], spec.overrides) == (3, 3, ("task.width=3",))


def test_a_search_value_of_another_type_is_refused(loaded):
    with pytest.raises(ConfigError, match=r"cell task\.width=wide"):
        TrialComposer(loaded).compose(Cell(params=(("task.width", "wide"),)), [0])


@pytest.mark.parametrize("toggle", ["nope=off", "width=huge"])
def test_a_cell_the_study_does_not_have_is_a_key_error(loaded, toggle):
    with pytest.raises(KeyError):
        TrialComposer(loaded).compose(Cell.of([toggle]), [0])


def test_axes_that_set_one_key_cannot_be_combined(folder):
    other = axis("other", x="task.width=3")
    loaded = make_loaded(axes=(*AXES, other))
    with pytest.raises(ConfigError, match=r"cell other=x,width=\w+: task\.width is set twice"):
        build_plan(TrialComposer(loaded), DESIGNS["full_factorial"](loaded.study.axes))


def test_fingerprints_differ_by_cell_seed_and_task_code(loaded, folder):
    cells = DESIGNS["full_factorial"](AXES)
    composer = TrialComposer(loaded)
    prints = [spec.fingerprint for cell in cells for spec in composer.compose(cell, (0, 1))]
    assert len(set(prints)) == len(prints) == 12
    (folder / "plantask.py").write_text("def train(cfg, run): return\n")
    assert TrialComposer(loaded).compose(BASE, [0])[0].fingerprint == prints[0], "one config, one version of the code"
    assert TrialComposer(make_loaded()).compose(BASE, [0])[0].fingerprint not in prints


@pytest.mark.parametrize(
    "change",
    [
        {"metric": "x"},
        {"mode": Mode.MIN},
        {"threshold": 0.8},
        {"hold": None},
        {"budget_steps": 99},
        {"stop_early": False},
    ],
)
def test_a_fingerprint_holds_what_of_the_target_decides(change):
    changed = replace(TARGET, **change)
    assert fingerprint({"a": 1}, 0, code="c", target=changed) != fingerprint({"a": 1}, 0, code="c", target=TARGET)


def test_the_fingerprint_of_a_known_trial_does_not_change_between_versions():
    # Stores hold fingerprints: if this changes, no finished trial of any study is reused any more.
    assert fingerprint({"lr": 0.1, "clip": None}, 3, code="c", target=TARGET) == "482cb06640210befb79ca55b55ee7d83"


def test_the_base_comes_first_then_seed_by_seed_over_the_cells(loaded):
    plan = build_plan(TrialComposer(loaded), DESIGNS["one_at_a_time"](AXES))
    assert [(t.cell.key, t.seed) for t in plan.trials] == [
        ("base", 0), ("base", 1), ("base", 2),
        ("dropout=off", 0), ("width=small", 0), ("width=big", 0),
        ("dropout=off", 1), ("width=small", 1), ("width=big", 1),
        ("dropout=off", 2), ("width=small", 2), ("width=big", 2),
    ]  # fmt: skip


def test_cells_that_come_to_the_same_config_are_shown_as_duplicates(folder):
    twin = axis("twin", x="task.width=64")
    loaded = make_loaded(axes=(*AXES, twin))
    plan = build_plan(TrialComposer(loaded), DESIGNS["one_at_a_time"](loaded.study.axes))
    assert plan.duplicates == ((Cell.of(["width=big"]), Cell.of(["twin=x"])),)
    assert plan.to_dict()["duplicates"] == [["width=big", "twin=x"]]


def test_a_cell_given_twice_is_planned_once(loaded):
    assert len(build_plan(TrialComposer(loaded), [BASE, BASE]).trials) == 3


def test_a_plan_without_cells_is_an_error(loaded):
    with pytest.raises(ConfigError, match="the plan is empty"):
        build_plan(TrialComposer(loaded), [])


def test_plan_json_is_strict_json_with_all_that_is_to_be_run(loaded):
    plan = build_plan(TrialComposer(loaded), DESIGNS["one_at_a_time"](AXES))
    data = json.loads(json.dumps(plan.to_dict(), allow_nan=False))
    assert data == plan.to_dict()
    assert (data["schema"], data["study"], data["seeds"], len(data["trials"])) == (1, "s", [0, 1, 2], 12)
    assert data["cells"][1] == {"cell": "dropout=off", "toggles": ["dropout=off"], "overrides": ["task.dropout=0"]}
    assert data["inert"] == [{"toggle": "clip=off", "reason": "the task has this value already"}]


def test_equal_plans_have_equal_digests_and_other_plans_others(loaded):
    one = build_plan(TrialComposer(loaded), DESIGNS["one_at_a_time"](AXES))
    assert build_plan(TrialComposer(loaded), DESIGNS["one_at_a_time"](AXES)).digest == one.digest
    assert build_plan(TrialComposer(loaded), DESIGNS["pairs"](AXES)).digest != one.digest
    assert build_plan(TrialComposer(make_loaded(seeds=(0, 1))), DESIGNS["one_at_a_time"](AXES)).digest != one.digest


def test_missing_packages_of_a_task_are_named(folder):
    (folder / "plantask.py").write_text("def train(cfg, run):\n    import no_such_package.sub\n")
    assert missing_imports(make_loaded().source) == ("no_such_package",)


def test_canonical_json_refuses_what_json_does_not_have():
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})
