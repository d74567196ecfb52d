"""summary.json of studies of every kind, as an earlier build left it: byte for byte but for texts for people.

tests/data/recorded has the project of these studies, what an earlier build left of them (results.tar.xz: plan.json,
record.json and the files of the trials) and their summaries. The store is rebuilt from these files, so no database is
among them. The commands are in each plan.json; they were run in the project's folder. If a change of a summary is
intended, put the summaries that these tests leave in the place of the old ones. Texts for people are those that
docs/summary.md lists: of them only the number and which are empty are compared.
"""

import json
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
from summary_texts import facts_of

from sweep.cli.main import main
from sweep.store import Store

RECORDED = Path(__file__).parents[1] / "data" / "recorded"
REPORTED = ("base", "restore", "breaks", "search", "data", "overfit", "rates", "unconfirmed", "rates.confirm",
            "whole.ablation", "small-moons_net-2026-10-02", "small-moons_net-2026-10-02-numerics")  # fmt: skip
"""Studies with trials: their summary is made from what the store holds of these."""

RESUMED = ("base", "search", "checks", "rates", "whole", "healthy", "small")
"""Commands to be run again: their trials are done, so only the summary is made."""

VOLATILE = ("created_at", "ended_at", "wall_s", "packages", "host", "folder", "git_sha", "dirty", "executable",
            "python", "platform", "gpus")  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return the results folder of a copy, with its store, in the current folder."""
    project = shutil.copytree(RECORDED, tmp_path_factory.mktemp("recorded") / "project")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(project)
        patched.syspath_prepend(str(project))
        patched.setenv("PYTHONPATH", str(project), prepend=":")
        with tarfile.open(project / "results.tar.xz") as files:
            files.extractall(project, filter="data")
        for summary in (project / "summaries").glob("**/*.json"):
            name = summary.relative_to(project / "summaries").with_suffix("")
            summary.rename(project / "results" / name / "summary.json")
        assert main(["rebuild", "--results", "results"]) == 0
        yield project / "results"
    sys.modules.pop("moons_net", None)


def text_of(results, name):
    return (results / name / "summary.json").read_text(encoding="utf-8")


def recorded_text(name):
    return (RECORDED / "summaries" / f"{name}.json").read_text(encoding="utf-8")


def without_volatile(text):
    """Return a summary's text without texts for people, and what differs between sessions: times, machine, versions."""
    document = json.loads(facts_of(text))
    blank(document)
    return json.dumps(document, indent=1, ensure_ascii=False)


def blank(value):
    if isinstance(value, dict):
        for key in value:
            if key in VOLATILE:
                value[key] = "-"
            else:
                blank(value[key])
    elif isinstance(value, list):
        for item in value:
            blank(item)


@pytest.mark.parametrize("name", REPORTED)
def test_the_facts_of_a_recorded_study_are_byte_for_byte_the_same(results, name):
    assert main(["report", name]) == 0
    assert facts_of(text_of(results, name)) == facts_of(recorded_text(name))


@pytest.mark.parametrize("name", REPORTED)
def test_a_summary_is_written_as_it_was(results, name):
    assert main(["report", name]) == 0
    text = text_of(results, name)
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"


def command_of(results, name):
    if name == "small":
        return ["--config-dir", "my_conf", "launcher.slots=2", "+regression=small", "regression.night=2026-10-02",
                "seeds=2"]  # fmt: skip
    return json.loads((results / name / "plan.json").read_text(encoding="utf-8"))["record"]["command"]


@pytest.mark.parametrize("name", RESUMED)
def test_the_summary_of_a_command_run_again_is_the_same(results, name, capfd):
    before = set(results.glob("*/trials/*/result.json"))
    main(command_of(results, name))
    assert set(results.glob("*/trials/*/result.json")) == before, capfd.readouterr().out
    assert without_volatile(text_of(results, name)) == without_volatile(recorded_text(name))


def test_a_diagnosis_run_again_reads_no_summary_of_its_stages(results):
    lost = {"answer": "lost", "recommended": {"overrides": ["task.lr=9"]}}
    with Store.open(f"sqlite:///{results / 'sweep.db'}") as store:
        for record in store.studies():
            if record.name.startswith("whole."):
                store.save_summary(record.id, lost)
                (results / record.name / "summary.json").write_text(json.dumps(lost), encoding="utf-8")
    main(command_of(results, "whole"))
    assert without_volatile(text_of(results, "whole")) == without_volatile(recorded_text("whole"))


def test_the_store_keeps_the_same_documents(results):
    with Store.open(f"sqlite:///{results / 'sweep.db'}", read_only=True) as store:
        for record in store.studies():
            kept = json.dumps(store.summary(record.id), ensure_ascii=False, indent=1) + "\n"
            assert without_volatile(kept) == without_volatile(recorded_text(record.name)), record.name
