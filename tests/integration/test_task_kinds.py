"""Every kind of task can be found, which needs no paddle, and loaded, which needs no Hydra; its code is read once."""

from collections import Counter
from datetime import date
from pathlib import Path

from sweep.config import load_study_config
from sweep.config.knobs import TaskBase
from sweep.config.regression import NightName, read_regression, task_studies
from sweep.config.source import FINDERS
from sweep.domain.task_ref import TaskKind
from sweep.study.code_guard import PlannedCode
from sweep.study.opening import check_packages
from sweep.study.planning import StudyPlan
from sweep.worker.loading import LOADERS

WORDS = ["task=digits_mlp", "+ablation=regularization"]


def test_every_kind_of_task_can_be_found_and_loaded():
    assert set(FINDERS) == set(LOADERS) == set(TaskKind)


def test_the_code_of_a_task_is_read_once_until_its_trials_are_planned(monkeypatch):
    reads: Counter[str] = Counter()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (reads.update([path.name]), read(path))[1])
    loaded = load_study_config(WORDS)
    check_packages(loaded)
    StudyPlan(loaded)
    code = PlannedCode(loaded.source)
    assert {name: n for name, n in reads.items() if name.endswith(".py")} == dict.fromkeys(
        {Path(path).name for path in code.digests}, 1
    )


def test_the_base_that_trials_are_made_from_is_made_once(monkeypatch):
    made = []
    make = TaskBase.__init__
    monkeypatch.setattr(TaskBase, "__init__", lambda base, config: (made.append(base), make(base, config))[1])
    StudyPlan(load_study_config(WORDS))
    assert len(made) == 1


def test_both_studies_of_a_nights_task_have_one_version_of_its_code():
    config = read_regression(load_study_config(["+regression=nightly"]))
    for task in task_studies(config, NightName(day=date(2024, 1, 2), repeat=1)):
        assert task.determinism is not None
        assert task.determinism.source is task.nightly.source
